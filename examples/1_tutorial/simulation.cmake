perdure_example(simulation.cpp PARTS simulation
  EXPECT "without sync: seed [0-9]+ broke it: promised visitor.*the same seed again: promised visitor.*with sync: 200 seeds, [0-9]+ visitors promised, none lost")

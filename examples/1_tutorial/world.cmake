perdure_example(world.cpp PARTS world simulation
  EXPECT "real: wrote 3 entries.*simulated: wrote 3 entries in virtual 3[0-9] ms, the file has 24 bytes")

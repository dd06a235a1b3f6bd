perdure_example(crash_testing.cpp PARTS simulation EXPECT "was promised and is gone; the power was cut at cut [0-9]+.*nothing found in [0-9]+ states")

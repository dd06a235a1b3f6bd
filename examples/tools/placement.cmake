perdure_example(choosing_avoidance.cpp PARTS placement availability ARGS 24 3 3 EXPECT "copysets, width 2, zones . 3 . 2 .*exact")

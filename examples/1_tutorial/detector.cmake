perdure_example(detector.cpp PARTS detector EXPECT "node 2 down")

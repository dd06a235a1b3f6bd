perdure_example(placement.cpp PARTS placement EXPECT "up to 2 copies in a zone instead of 1")

perdure_example(ring.cpp PARTS ring EXPECT "cache-d would take 42.1 %")

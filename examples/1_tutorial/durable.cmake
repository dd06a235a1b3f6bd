perdure_example(durable.cpp PARTS durable EXPECT "count [0-9]+")

perdure_example(durable_killed.cpp PARTS durable EXPECT "nothing is missing, nothing was done twice")

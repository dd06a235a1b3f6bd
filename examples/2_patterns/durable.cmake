perdure_example(durable_killed.cpp PARTS durable EXPECT "nothing is missing, nothing was done twice")
perdure_example(durable_simulated.cpp PARTS durable simulation
                EXPECT "seed [0-9]+: [0-9]+ deposits were acknowledged, the accounts hold [0-9]+.*each is there once.*was opened 6 times")

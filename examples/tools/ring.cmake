perdure_example(pick_a_hash.cpp PARTS ring ARGS 20 20000 --svg . EXPECT "dx_hash .*wrote load.svg and movement.svg")

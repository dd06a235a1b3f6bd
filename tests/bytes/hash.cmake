perdure_test(hash.cpp PARTS bytes LABELS core)

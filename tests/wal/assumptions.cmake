perdure_test(assumptions.cpp PARTS wal simulation LABELS sim)

perdure_test(scenarios.cpp PARTS wal simulation LABELS sim)

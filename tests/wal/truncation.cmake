perdure_test(truncation.cpp PARTS wal simulation LABELS core sim)

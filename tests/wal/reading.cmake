perdure_test(reading.cpp PARTS wal LABELS core)

perdure_test(crash_search.cpp PARTS wal simulation LABELS sim)

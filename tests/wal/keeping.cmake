perdure_test(keeping.cpp PARTS wal LABELS asio threads)

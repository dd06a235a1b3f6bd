perdure_test(appending.cpp PARTS wal LABELS asio threads)

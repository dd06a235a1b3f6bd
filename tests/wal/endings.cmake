perdure_test(endings.cpp PARTS wal LABELS asio threads)

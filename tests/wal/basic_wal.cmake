perdure_test(basic_wal.cpp PARTS wal LABELS asio threads)

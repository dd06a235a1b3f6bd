perdure_test(scrub.cpp PARTS wal LABELS asio)

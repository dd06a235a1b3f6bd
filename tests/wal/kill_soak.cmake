perdure_test(kill_soak.cpp PARTS wal LABELS asio)

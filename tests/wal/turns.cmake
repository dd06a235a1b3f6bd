perdure_test(turns.cpp PARTS wal simulation LABELS asio)

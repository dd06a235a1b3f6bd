perdure_test(simulated.cpp PARTS wal simulation LABELS asio sim)

perdure_test(basic_wal.cpp PARTS wal LABELS asio threads)
perdure_test(failures.cpp PARTS wal LABELS asio)
perdure_test(contract.cpp PARTS wal LABELS asio threads)

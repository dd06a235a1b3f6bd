perdure_test(interplay.cpp PARTS wal LABELS asio threads)
perdure_test(packed_failures.cpp PARTS wal_lz4 wal_aes_gcm LABELS asio)

perdure_test(golden.cpp PARTS wal_lz4 wal_aes_gcm LABELS asio format)

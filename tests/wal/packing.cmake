perdure_test(packing.cpp PARTS wal_lz4 wal_aes_gcm LABELS core format)
perdure_test(packed_log.cpp PARTS wal_lz4 wal_aes_gcm LABELS asio)

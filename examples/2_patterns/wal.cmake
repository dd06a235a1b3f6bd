perdure_example(wal_durability.cpp PARTS wal EXPECT "os +1000 +0 lost.*disk +1000 +0 lost.*together +1000 +0 lost")
perdure_example(wal_follow.cpp PARTS wal EXPECT "replica: 6.*forget everything behind position 4.*replica: 7 .order 5, agreed.*replica: ends")
perdure_example(wal_encrypted.cpp PARTS wal_lz4 wal_aes_gcm EXPECT "replayed [0-9]+ bytes.*needs key 1: the log is encrypted with another key")

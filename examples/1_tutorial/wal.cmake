perdure_example(wal.cpp PARTS wal EXPECT "durable at position [0-9]+.*closed")

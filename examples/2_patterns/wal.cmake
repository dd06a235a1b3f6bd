perdure_example(wal_durability.cpp PARTS wal EXPECT "os +1000 +0 lost.*disk +1000 +0 lost.*together +1000 +0 lost")

perdure_test(recovery.cpp PARTS wal LABELS core)
perdure_test(every_damage.cpp PARTS wal LABELS core)

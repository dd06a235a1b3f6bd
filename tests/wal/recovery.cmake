perdure_test(format.cpp PARTS wal LABELS core format)
perdure_test(recovery.cpp PARTS wal LABELS core)
perdure_test(wreck.cpp PARTS wal LABELS core)
perdure_test(every_damage.cpp PARTS wal LABELS core LONG)

perdure_test(codec.cpp PARTS bytes LABELS core)
perdure_test(crc32c.cpp PARTS bytes LABELS core)

perdure_example(ring_libketama.cpp PARTS ring_ketama
  EXPECT "8 servers, 1264 points.*hash_ring +[0-9.]+ % of the keys move, 0\\.00 % for no reason")
perdure_example(ring_hot_key.cpp PARTS ring EXPECT "50 % +[0-9.]+ mean   1\\.2[0-9] mean, +[0-9.]+ % spilled")

perdure_example(availability_drives.cpp PARTS availability EXPECT "all together +[0-9.]+ %")
perdure_example(availability_durability.cpp PARTS availability EXPECT "3 copies .*4 \\+ 2 fragments")
perdure_example(availability_incidents.cpp PARTS availability EXPECT "worsening|more frequent")
perdure_example(availability_month.cpp PARTS availability EXPECT "met with probability 0\\.65")
perdure_example(availability_what_if.cpp PARTS availability EXPECT "1\\. +\\+[0-9.]+ nines")
# 200 recoveries without an argument; a test needs fewer.
perdure_example(availability_recovery.cpp PARTS availability durable ARGS 20 EXPECT "20 recoveries +predicted +measured")

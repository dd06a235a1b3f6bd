perdure_example(snapshot_upgrade.cpp PARTS snapshot EXPECT "refused: the format is newer")

perdure_example(snapshot.cpp PARTS snapshot EXPECT "fell back to snapshot 2")

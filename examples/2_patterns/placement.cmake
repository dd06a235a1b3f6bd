perdure_example(placement_preview.cpp PARTS placement EXPECT "node-4 may be switched off")

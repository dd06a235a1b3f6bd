perdure_example(availability.cpp PARTS availability EXPECT "service.*99\\.99")

perdure_benchmark(world PARTS world)

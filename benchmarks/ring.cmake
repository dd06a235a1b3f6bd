perdure_benchmark(ring PARTS ring)

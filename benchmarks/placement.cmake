perdure_benchmark(placement PARTS placement)

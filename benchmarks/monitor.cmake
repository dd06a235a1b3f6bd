perdure_benchmark(monitor PARTS detector)

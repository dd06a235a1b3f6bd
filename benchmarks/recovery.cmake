perdure_benchmark(recovery PARTS durable)

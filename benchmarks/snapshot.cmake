perdure_benchmark(snapshot PARTS snapshot)

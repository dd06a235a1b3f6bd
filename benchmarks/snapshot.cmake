perdure_benchmark(snapshot PARTS snapshot)
perdure_benchmark(snapshot_taking PARTS snapshot)

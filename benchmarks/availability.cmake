perdure_benchmark(availability PARTS availability_open_psa)
# Its sections are headers in benchmarks/availability/.
target_include_directories(benchmark_availability PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})

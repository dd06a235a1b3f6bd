perdure_benchmark(ring PARTS ring_ketama)
# Its sections are headers in benchmarks/ring/; it measures what including ours costs.
target_include_directories(benchmark_ring PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_compile_definitions(benchmark_ring PRIVATE
  PERDURE_BENCHMARK_COMPILER="${CMAKE_CXX_COMPILER}" PERDURE_BENCHMARK_INCLUDE="${PROJECT_SOURCE_DIR}/include")

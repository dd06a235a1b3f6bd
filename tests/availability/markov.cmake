foreach(source
    markov_dynamic.cpp
    markov_passage.cpp
    markov_redundant.cpp
    markov_steady.cpp
    markov_transient.cpp)
  perdure_test(${source} PARTS availability LABELS core)
  string(REPLACE ".cpp" "" target test_availability_${source})
  if(TARGET ${target})
    # The workstation cluster is written down once, for the benchmark and the tests.
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/benchmarks)
  endif()
endforeach()

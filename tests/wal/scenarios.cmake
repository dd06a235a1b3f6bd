perdure_test(scenarios.cpp PARTS wal simulation LABELS sim)
perdure_test(scenarios_damage.cpp PARTS wal simulation LABELS sim)
perdure_test(scenarios_faults.cpp PARTS wal LABELS asio)

# Every scenario has a test, or a reason why not.
find_package(Python3 COMPONENTS Interpreter QUIET)
if(Python3_FOUND)
  add_test(NAME wal/coverage COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/coverage.py)
  set_tests_properties(wal/coverage PROPERTIES LABELS "core")
endif()

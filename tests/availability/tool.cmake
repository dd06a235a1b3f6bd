# The command-line tool's own format.
perdure_test(model_text.cpp PARTS availability LABELS core format)
if(TARGET test_availability_model_text)
  target_include_directories(test_availability_model_text PRIVATE ${PROJECT_SOURCE_DIR})
endif()

# Every published case has its number in a test, by name.
find_package(Python3 COMPONENTS Interpreter QUIET)
if(Python3_FOUND)
  add_test(NAME availability/coverage COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/coverage.py)
  set_tests_properties(availability/coverage PROPERTIES LABELS "core")
endif()

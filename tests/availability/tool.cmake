# The command-line tool's own format.
perdure_test(model_text.cpp PARTS availability LABELS core format)
if(TARGET test_availability_model_text)
  target_include_directories(test_availability_model_text PRIVATE ${PROJECT_SOURCE_DIR})
endif()

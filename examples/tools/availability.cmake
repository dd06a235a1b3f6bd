perdure_program(tool_availability SOURCES availability/main.cpp PARTS availability_open_psa)
set_target_properties(tool_availability PROPERTIES OUTPUT_NAME availability)
set(tool_availability_models ${CMAKE_CURRENT_SOURCE_DIR}/availability)

# perdure_tool_run(<name> <what its output must match> <arguments ...>)
function(perdure_tool_run name expected)
  add_test(NAME example/tools/availability_${name} COMMAND tool_availability ${ARGN})
  set_tests_properties(example/tools/availability_${name} PROPERTIES
    LABELS "example" TIMEOUT 60 PASS_REGULAR_EXPRESSION "${expected}")
endfunction()
perdure_tool_run(table "nines.*from the components' data.*most probable causes"
  ${tool_availability_models}/three_tiers.txt)
perdure_tool_run(json "\"minimal_cut_sets\": 7" --json ${tool_availability_models}/three_tiers.txt)
perdure_tool_run(blocks "db-standby.*</svg>" --svg structure ${tool_availability_models}/three_tiers.txt)
perdure_tool_run(curve "<polyline.*</svg>" --svg curve ${tool_availability_models}/three_tiers.txt)
perdure_tool_run(importance "share of the unavailability.*</svg>" --svg importance ${tool_availability_models}/data_loss.txt)
perdure_tool_run(tree "AND.*</svg>" --svg structure ${tool_availability_models}/data_loss.txt)
perdure_tool_run(open_psa "unavailability   0\\.074\n" ${tool_availability_models}/two_sets.xml)
perdure_tool_run(usage "which model\\?")

perdure_test(open_psa.cpp PARTS availability_open_psa LABELS core format)

set(PERDURE_ARALIA "" CACHE PATH "Directory with the Aralia fault trees, which are tested against where they are")
perdure_test(structure_aralia.cpp PARTS availability_open_psa LABELS core)
if(TARGET test_availability_structure_aralia)
  target_compile_definitions(test_availability_structure_aralia PRIVATE PERDURE_ARALIA="${PERDURE_ARALIA}")
endif()

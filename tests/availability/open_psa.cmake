perdure_test(open_psa.cpp PARTS availability_open_psa LABELS core format)

set(PERDURE_ARALIA "" CACHE PATH "Directory with the Aralia fault trees, which are tested against where they are")
perdure_test(structure_aralia.cpp PARTS availability_open_psa LABELS core)
if(TARGET test_availability_structure_aralia)
  target_compile_definitions(test_availability_structure_aralia PRIVATE PERDURE_ARALIA="${PERDURE_ARALIA}")
endif()

set(PERDURE_SCRAM "" CACHE PATH "Directory input/ of a checkout of SCRAM, whose fault trees are tested against where they are")
perdure_test(structure_scram.cpp PARTS availability_open_psa LABELS core)
if(TARGET test_availability_structure_scram)
  target_compile_definitions(test_availability_structure_scram PRIVATE PERDURE_SCRAM="${PERDURE_SCRAM}")
endif()

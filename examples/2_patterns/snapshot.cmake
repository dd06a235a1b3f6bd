perdure_example(snapshot_upgrade.cpp PARTS snapshot EXPECT "refused: the format is newer")
# Only where cereal is there: it is an example of a codec of one's own.
find_path(PERDURE_CEREAL_INCLUDE_DIR cereal/cereal.hpp)
mark_as_advanced(PERDURE_CEREAL_INCLUDE_DIR)
if(PERDURE_CEREAL_INCLUDE_DIR)
  perdure_example(snapshot_cereal.cpp PARTS snapshot EXPECT "without the codec: what is stored is of another type")
endif()

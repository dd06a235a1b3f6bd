# One INTERFACE target a part. The table below is the only place that says what a part needs:
#
#   perdure_part(<name> [OPTIONAL] [PARTS <other parts>] [EXTERNAL <imported targets>] [HEADERS <paths>])
#
# A part owns include/perdure/<name>/ and the umbrella include/perdure/<name>.hpp, or the HEADERS it names: files and
# directories under include/perdure. What no part owns belongs to core. An OPTIONAL part is one header beside a part
# with a dependency of its own; perdure::perdure leaves it out.
#
# The table serves our own build, add_subdirectory, the installed package (install.cmake), the pkg-config files, and
# packaging/check.py, which holds the Conan recipe and the vcpkg port to it.
if(NOT CMAKE_INSTALL_INCLUDEDIR) # GNUInstallDirs would want a compiler.
  set(CMAKE_INSTALL_INCLUDEDIR include)
endif()
set(PERDURE_PARTS "")
set(PERDURE_OPTIONAL_PARTS "")

function(perdure_part name)
  cmake_parse_arguments(arg "OPTIONAL" "" "PARTS;EXTERNAL;HEADERS" ${ARGN})
  add_library(perdure_${name} INTERFACE)
  add_library(perdure::${name} ALIAS perdure_${name})
  set_target_properties(perdure_${name} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(perdure_${name} INTERFACE cxx_std_20)
  target_include_directories(perdure_${name} INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  foreach(part IN LISTS arg_PARTS)
    if(NOT TARGET perdure_${part})
      message(FATAL_ERROR "The part ${name} needs ${part}, which must stand before it in the table")
    endif()
    target_link_libraries(perdure_${name} INTERFACE perdure_${part})
  endforeach()
  target_link_libraries(perdure_${name} INTERFACE ${arg_EXTERNAL})
  set_property(GLOBAL PROPERTY PERDURE_PART_${name}_PARTS "${arg_PARTS}")
  set_property(GLOBAL PROPERTY PERDURE_PART_${name}_EXTERNAL "${arg_EXTERNAL}")
  if(NOT arg_HEADERS)
    set(arg_HEADERS ${name}.hpp ${name})
  endif()
  set_property(GLOBAL PROPERTY PERDURE_PART_${name}_HEADERS "${arg_HEADERS}")
  if(arg_OPTIONAL)
    set(PERDURE_OPTIONAL_PARTS ${PERDURE_OPTIONAL_PARTS} ${name} PARENT_SCOPE)
  else()
    set(PERDURE_PARTS ${PERDURE_PARTS} ${name} PARENT_SCOPE)
  endif()
endfunction()

include(${CMAKE_CURRENT_LIST_DIR}/perdure-dependencies.cmake)

# Pure parts: no Asio; the ring needs no Boost.
# detail/ is what several parts are built from and no user names; bytes is below all of them.
perdure_part(bytes EXTERNAL perdure::xxhash_headers
  HEADERS bytes.hpp bytes detail)
perdure_part(ring PARTS bytes)
perdure_part(ring_ketama OPTIONAL PARTS ring EXTERNAL OpenSSL::Crypto
  HEADERS ring/ketama.hpp)
perdure_part(placement PARTS ring)
perdure_part(availability EXTERNAL Boost::headers)
perdure_part(availability_open_psa OPTIONAL PARTS availability EXTERNAL pugixml::pugixml
  HEADERS availability/open_psa.hpp availability/open_psa)

# Parts that report operating errors or run on an event loop.
perdure_part(core EXTERNAL Boost::headers)
perdure_part(world PARTS core bytes EXTERNAL Boost::headers Threads::Threads)
perdure_part(detector PARTS world)
perdure_part(wal PARTS world)
perdure_part(snapshot PARTS world EXTERNAL Boost::serialization)
perdure_part(wal_lz4 OPTIONAL PARTS wal EXTERNAL perdure::lz4_library
  HEADERS wal/lz4.hpp)
perdure_part(wal_aes_gcm OPTIONAL PARTS wal EXTERNAL OpenSSL::Crypto
  HEADERS wal/aes_gcm.hpp)
perdure_part(snapshot_lz4 OPTIONAL PARTS snapshot EXTERNAL perdure::lz4_library
  HEADERS snapshot/lz4.hpp)
perdure_part(snapshot_zstd OPTIONAL PARTS snapshot EXTERNAL perdure::zstd_library
  HEADERS snapshot/zstd.hpp)
perdure_part(durable PARTS wal snapshot availability)
perdure_part(simulation PARTS world)

add_library(perdure_perdure INTERFACE)
add_library(perdure::perdure ALIAS perdure_perdure)
set_target_properties(perdure_perdure PROPERTIES EXPORT_NAME perdure)
foreach(part IN LISTS PERDURE_PARTS)
  target_link_libraries(perdure_perdure INTERFACE perdure_${part})
endforeach()

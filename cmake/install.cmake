# Installs the headers, a CMake package and pkg-config files. Needs neither a compiler nor any dependency: what a part
# needs is looked for by those who use it, part by part. Everything is relative, so that the tree may be moved.
include(CMakePackageConfigHelpers)

if(NOT CMAKE_INSTALL_DATADIR)
  set(CMAKE_INSTALL_DATADIR share)
endif()
set(perdure_package_dir ${CMAKE_INSTALL_DATADIR}/cmake/perdure)
set(parts ${PERDURE_PARTS} ${PERDURE_OPTIONAL_PARTS})

# Every header belongs to the part that names it, else to the part of its directory, else to core.
file(GLOB_RECURSE unclaimed CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/*.hpp)
foreach(part IN LISTS PERDURE_OPTIONAL_PARTS PERDURE_PARTS)
  get_property(paths GLOBAL PROPERTY PERDURE_PART_${part}_HEADERS)
  set(headers_of_${part} "")
  foreach(path IN LISTS paths)
    foreach(header IN LISTS unclaimed)
      string(FIND "${header}" "${PROJECT_SOURCE_DIR}/include/perdure/${path}" position)
      if(position EQUAL 0 AND (path MATCHES "\\.hpp$" OR header MATCHES "/include/perdure/${path}/"))
        list(APPEND headers_of_${part} ${header})
      endif()
    endforeach()
  endforeach()
  if(headers_of_${part})
    list(REMOVE_ITEM unclaimed ${headers_of_${part}})
  endif()
endforeach()
list(APPEND headers_of_core ${unclaimed})

set(table "set(perdure_all_parts \"${parts};perdure\")\n")
foreach(part IN LISTS parts ITEMS perdure)
  # One export a part, so that the package loads only what was asked for.
  if(CMAKE_VERSION VERSION_LESS 3.23)
    install(TARGETS perdure_${part} EXPORT perdure-${part})
    foreach(header IN LISTS headers_of_${part})
      file(RELATIVE_PATH path ${PROJECT_SOURCE_DIR}/include ${header})
      get_filename_component(path ${path} DIRECTORY)
      install(FILES ${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/${path})
    endforeach()
  else()
    target_sources(perdure_${part} INTERFACE
      FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/include FILES ${headers_of_${part}})
    install(TARGETS perdure_${part} EXPORT perdure-${part} FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  endif()
  install(EXPORT perdure-${part} NAMESPACE perdure:: FILE perdure-${part}-targets.cmake DESTINATION ${perdure_package_dir})

  # The umbrella needs every part that is not optional, and nothing else.
  set(needs "")
  set(externals "")
  if(part STREQUAL "perdure")
    set(needs ${PERDURE_PARTS})
  else()
    get_property(needs GLOBAL PROPERTY PERDURE_PART_${part}_PARTS)
    get_property(externals GLOBAL PROPERTY PERDURE_PART_${part}_EXTERNAL)
  endif()
  string(APPEND table "set(perdure_parts_of_${part} \"${needs}\")\nset(perdure_externals_of_${part} \"${externals}\")\n")

  # pkg-config. Debian's Boost has no .pc file, so what must be linked is named.
  list(TRANSFORM needs PREPEND perdure- OUTPUT_VARIABLE requires)
  list(JOIN requires " " requires)
  set(libs "")
  foreach(external IN LISTS externals)
    if(external STREQUAL "Threads::Threads")
      list(APPEND libs -pthread)
    elseif(external MATCHES "^Boost::(.*)" AND NOT external STREQUAL "Boost::headers")
      list(APPEND libs -lboost_${CMAKE_MATCH_1})
    elseif(external STREQUAL "pugixml::pugixml")
      list(APPEND libs -lpugixml)
    elseif(external MATCHES "^OpenSSL::")
      list(APPEND libs -lssl -lcrypto)
    elseif(external MATCHES "zstd")
      list(APPEND libs -lzstd)
    elseif(external MATCHES "lz4")
      list(APPEND libs -llz4)
    endif()
  endforeach()
  list(REMOVE_DUPLICATES libs)
  list(JOIN libs " " libs)
  set(package perdure-${part})
  set(description "${PROJECT_DESCRIPTION}: ${part}")
  if(part STREQUAL "perdure")
    set(package perdure)
    set(description "${PROJECT_DESCRIPTION}")
  endif()
  configure_file(${CMAKE_CURRENT_LIST_DIR}/perdure.pc.in ${PROJECT_BINARY_DIR}/package/${package}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/package/${package}.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig)
endforeach()

set(perdure_table "${table}")
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/perdure-config.cmake.in ${PROJECT_BINARY_DIR}/package/perdure-config.cmake
  INSTALL_DESTINATION ${perdure_package_dir} NO_SET_AND_CHECK_MACRO)
# Until 1.0 a minor version may change headers; from then on only a major version does.
set(compatibility SameMinorVersion)
if(PROJECT_VERSION_MAJOR GREATER 0)
  set(compatibility SameMajorVersion)
endif()
write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/perdure-config-version.cmake
  COMPATIBILITY ${compatibility} ARCH_INDEPENDENT)
install(FILES
  ${PROJECT_BINARY_DIR}/package/perdure-config.cmake
  ${PROJECT_BINARY_DIR}/package/perdure-config-version.cmake
  ${CMAKE_CURRENT_LIST_DIR}/perdure-dependencies.cmake
  DESTINATION ${perdure_package_dir})

# Finds what the asked-for parts need. Used by our own build, by add_subdirectory and by the installed package, so that
# all agree. perdure_find_dependency(<imported target>) appends to perdure_missing where it fails. What exists already is
# not looked for: a project that makes its own Boost::headers keeps it.

# vcpkg and Conan bring a CMake package of xxHash, Debian's libxxhash-dev only the header, which is all that is needed.
function(perdure_find_xxhash)
  find_package(xxHash CONFIG QUIET)
  if(TARGET xxHash::xxhash)
    set(directories $<TARGET_PROPERTY:xxHash::xxhash,INTERFACE_INCLUDE_DIRECTORIES>)
  else()
    find_path(PERDURE_XXHASH_INCLUDE_DIR xxhash.h)
    mark_as_advanced(PERDURE_XXHASH_INCLUDE_DIR)
    if(NOT PERDURE_XXHASH_INCLUDE_DIR)
      return()
    endif()
    set(directories "${PERDURE_XXHASH_INCLUDE_DIR}")
  endif()
  add_library(perdure::xxhash_headers INTERFACE IMPORTED)
  # A system directory is left out: naming it again would reorder the compiler's own search path.
  if(NOT directories STREQUAL "/usr/include")
    set_target_properties(perdure::xxhash_headers PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${directories}")
  endif()
endfunction()

# Debian's packages of these bring no CMake package; vcpkg's and Conan's do, under their own target names.
function(perdure_find_compression target header library)
  find_path(PERDURE_${library}_INCLUDE_DIR ${header})
  find_library(PERDURE_${library}_LIBRARY ${library})
  mark_as_advanced(PERDURE_${library}_INCLUDE_DIR PERDURE_${library}_LIBRARY)
  if(PERDURE_${library}_INCLUDE_DIR AND PERDURE_${library}_LIBRARY)
    add_library(${target} INTERFACE IMPORTED GLOBAL)
    set_target_properties(${target} PROPERTIES INTERFACE_LINK_LIBRARIES "${PERDURE_${library}_LIBRARY}")
    if(NOT PERDURE_${library}_INCLUDE_DIR STREQUAL "/usr/include")
      set_target_properties(${target} PROPERTIES
        INTERFACE_INCLUDE_DIRECTORIES "${PERDURE_${library}_INCLUDE_DIR}")
    endif()
  endif()
endfunction()

# What the packages below make. With PERDURE_PROMOTE_DEPENDENCIES (inside add_subdirectory) those that are new are made
# visible outside of our directory; from CMake 3.24 on, find_package(... GLOBAL) would.
set(perdure_dependency_targets
  perdure::xxhash_headers xxHash::xxhash
  Boost::headers Boost::boost Boost::diagnostic_definitions Boost::disable_autolinking Boost::dynamic_linking
  Boost::serialization Boost::serialization_static Boost::serialization_shared
  pugixml::pugixml pugixml::shared pugixml::static perdure::lz4_library perdure::zstd_library Threads::Threads OpenSSL::SSL OpenSSL::Crypto)

macro(perdure_find_dependency target)
  if(NOT TARGET ${target})
    set(perdure_new_targets ${perdure_dependency_targets})
    foreach(perdure_known IN LISTS perdure_dependency_targets)
      if(TARGET ${perdure_known})
        list(REMOVE_ITEM perdure_new_targets ${perdure_known})
      endif()
    endforeach()
    if("${target}" STREQUAL "perdure::xxhash_headers")
      perdure_find_xxhash()
    elseif("${target}" STREQUAL "Boost::headers")
      find_package(Boost 1.81 CONFIG QUIET)
    elseif("${target}" STREQUAL "Boost::serialization")
      find_package(Boost 1.81 CONFIG QUIET COMPONENTS serialization)
    elseif("${target}" STREQUAL "pugixml::pugixml")
      find_package(pugixml CONFIG QUIET)
    elseif("${target}" STREQUAL "perdure::lz4_library")
      perdure_find_compression(${target} lz4.h lz4)
    elseif("${target}" STREQUAL "perdure::zstd_library")
      perdure_find_compression(${target} zstd.h zstd)
    elseif("${target}" STREQUAL "Threads::Threads")
      find_package(Threads QUIET)
    elseif("${target}" MATCHES "^OpenSSL::")
      find_package(OpenSSL QUIET)
    endif()
    if(PERDURE_PROMOTE_DEPENDENCIES)
      foreach(perdure_new IN LISTS perdure_new_targets)
        if(TARGET ${perdure_new})
          get_target_property(perdure_aliased ${perdure_new} ALIASED_TARGET)
          if(NOT perdure_aliased)
            set_target_properties(${perdure_new} PROPERTIES IMPORTED_GLOBAL TRUE)
          endif()
        endif()
      endforeach()
    endif()
  endif()
  if(NOT TARGET ${target})
    list(APPEND perdure_missing ${target})
  endif()
endmacro()

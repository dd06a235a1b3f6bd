# Finds what the asked-for parts need. Used by our own build and by the installed package, so that
# both agree. perdure_find_dependency(<imported target>) sets perdure_missing where it fails.

# Debian's libxxhash-dev brings no CMake package; vcpkg and Conan do. Header-only use needs only the header.
function(perdure_find_xxhash)
  if(TARGET perdure::xxhash_headers)
    return()
  endif()
  find_path(PERDURE_XXHASH_INCLUDE_DIR xxhash.h)
  mark_as_advanced(PERDURE_XXHASH_INCLUDE_DIR)
  if(PERDURE_XXHASH_INCLUDE_DIR)
    add_library(perdure::xxhash_headers INTERFACE IMPORTED GLOBAL)
    # A system directory is left out: naming it again would reorder the compiler's own search path.
    if(NOT PERDURE_XXHASH_INCLUDE_DIR STREQUAL "/usr/include")
      set_target_properties(perdure::xxhash_headers PROPERTIES
        INTERFACE_INCLUDE_DIRECTORIES "${PERDURE_XXHASH_INCLUDE_DIR}")
    endif()
  endif()
endfunction()

macro(perdure_find_dependency target)
  if(NOT TARGET ${target})
    if(${target} STREQUAL "perdure::xxhash_headers")
      perdure_find_xxhash()
    elseif(${target} STREQUAL "Boost::headers")
      find_package(Boost 1.81 CONFIG QUIET)
    elseif(${target} STREQUAL "Boost::serialization")
      find_package(Boost 1.81 CONFIG QUIET COMPONENTS serialization)
    elseif(${target} STREQUAL "Threads::Threads")
      find_package(Threads QUIET)
    elseif(${target} MATCHES "^OpenSSL::")
      find_package(OpenSSL QUIET)
    endif()
  endif()
  if(NOT TARGET ${target})
    list(APPEND perdure_missing ${target})
  endif()
endmacro()

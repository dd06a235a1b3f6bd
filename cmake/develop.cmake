# What only our own tests, examples and benchmarks use. Nothing here reaches a consumer.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF) # There are none, and newer CMakes would read every file twice.
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

find_program(PERDURE_CCACHE ccache)
if(PERDURE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${PERDURE_CCACHE})
endif()

set(perdure_missing "")
foreach(part IN LISTS PERDURE_PARTS PERDURE_OPTIONAL_PARTS)
  get_property(externals GLOBAL PROPERTY PERDURE_PART_${part}_EXTERNAL)
  foreach(target IN LISTS externals)
    perdure_find_dependency(${target})
  endforeach()
endforeach()
list(REMOVE_DUPLICATES perdure_missing)
if(perdure_missing)
  message(FATAL_ERROR "perdure's own build needs: ${perdure_missing}. tests/run.sh installs them.")
endif()

# Warnings and sanitizers of our own programs.
add_library(perdure_develop INTERFACE)
target_compile_options(perdure_develop INTERFACE -Wall -Wextra -Wconversion -Wpedantic -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 sees uninitialised and dangling memory in inlined standard containers and coroutines where there is none.
  target_compile_options(perdure_develop INTERFACE
    -Wno-maybe-uninitialized -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread -Wno-free-nonheap-object
    -Wno-tsan -Wno-interference-size -Wno-mismatched-new-delete)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 17)
  # GCC 12's std::stable_sort uses what its own headers call deprecated.
  target_compile_options(perdure_develop INTERFACE -Wno-deprecated-declarations)
endif()
# Our programs use none of the deprecated parts of Asio, and parse faster without them.
target_compile_definitions(perdure_develop INTERFACE
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_DATE_TIME)
if(PERDURE_SANITIZER STREQUAL "address")
  # The costly checks (null, alignment, object-size, vptr) multiply the build time of Asio programs by four.
  set(flags -fsanitize=address,undefined -fno-sanitize=null,alignment,object-size,vptr
    -fno-sanitize-recover=all -fno-omit-frame-pointer)
elseif(PERDURE_SANITIZER STREQUAL "thread")
  set(flags -fsanitize=thread)
elseif(PERDURE_SANITIZER)
  message(FATAL_ERROR "PERDURE_SANITIZER is '${PERDURE_SANITIZER}'; allowed are address, thread, or nothing")
endif()
if(PERDURE_SANITIZER)
  set(CMAKE_CXX_FLAGS_RELEASE "-Og -g1") # A quarter less time to compile than -O1.
  target_compile_options(perdure_develop INTERFACE ${flags})
  target_link_options(perdure_develop INTERFACE ${flags})
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_FLAGS_RELEASE MATCHES "-Og")
  target_compile_definitions(perdure_develop INTERFACE XXH_NO_INLINE_HINTS=1) # xxHash asks for more than -Og can inline.
endif()

# perdure_program(<name> SOURCES <files> PARTS <parts> [LINK <more targets>])
function(perdure_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;PARTS;LINK" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  foreach(part IN LISTS arg_PARTS)
    target_link_libraries(${name} PRIVATE perdure::${part})
  endforeach()
  target_link_libraries(${name} PRIVATE perdure_develop ${arg_LINK})
endfunction()

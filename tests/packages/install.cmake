# Installs as a packager does, with nothing to depend on, then moves the tree away and looks at what is in it.
#   cmake -DSOURCE=<checkout> -DBINARY=<directory> -DGENERATOR=<generator> -DMAKE=<its program> -P install.cmake
cmake_minimum_required(VERSION 3.25)
set(build ${BINARY}/build)
set(prefix ${BINARY}/first)
set(moved ${BINARY}/moved)
file(REMOVE_RECURSE ${build} ${prefix} ${moved})

# Compilers that do not exist, and no package to be found: neither is needed.
set(nothing "")
foreach(package Boost xxHash pugixml Threads OpenSSL zstd lz4 Catch2)
  list(APPEND nothing -DCMAKE_DISABLE_FIND_PACKAGE_${package}=ON)
endforeach()
execute_process(COMMAND ${CMAKE_COMMAND} -E env CC=/no/compiler CXX=/no/compiler
  ${CMAKE_COMMAND} -S ${SOURCE} -B ${build} -G ${GENERATOR} -DCMAKE_MAKE_PROGRAM=${MAKE} -Werror=dev ${nothing}
  OUTPUT_VARIABLE output ERROR_VARIABLE output RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "configuring for an installation failed:\n${output}")
endif()
execute_process(COMMAND ${CMAKE_COMMAND} --install ${build} --prefix ${prefix}
  OUTPUT_VARIABLE output ERROR_VARIABLE output RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "installing failed:\n${output}")
endif()

# Every header is there, and nothing that is not ours to own.
file(GLOB_RECURSE ours RELATIVE ${SOURCE}/include ${SOURCE}/include/*)
file(GLOB_RECURSE theirs RELATIVE ${prefix}/include ${prefix}/include/*)
if(NOT ours STREQUAL theirs)
  message(FATAL_ERROR "the installed headers differ from those in include/:\n${ours}\n${theirs}")
endif()
file(GLOB_RECURSE files RELATIVE ${prefix} ${prefix}/*)
foreach(file IN LISTS files)
  if(NOT file MATCHES "^(include/perdure(/.*)?\\.hpp|include/perdure/.*\\.hpp|share/cmake/perdure/.*|share/pkgconfig/perdure[^/]*\\.pc)$")
    message(FATAL_ERROR "the package owns ${file}")
  endif()
  file(READ ${prefix}/${file} text)
  foreach(path ${SOURCE} ${BINARY} ${prefix})
    # From its beginning: a checkout may lie in a directory whose name the installed files have too, such as /perdure.
    string(REGEX REPLACE "([][+.*()^$?|\\\\])" "\\\\\\1" pattern "${path}")
    if(text MATCHES "(^|[^A-Za-z0-9_.}/-])${pattern}")
      message(FATAL_ERROR "${file} names the path ${path}, so that the tree cannot be moved")
    endif()
  endforeach()
  if(file MATCHES "targets\\.cmake$" AND text MATCHES "INTERFACE_COMPILE_(OPTIONS|DEFINITIONS)|INTERFACE_LINK_OPTIONS")
    message(FATAL_ERROR "${file} hands ${CMAKE_MATCH_0} to those who link it")
  endif()
endforeach()
file(RENAME ${prefix} ${moved})
list(LENGTH files count)
message(STATUS "installed ${count} files, and moved them")

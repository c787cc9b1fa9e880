# Copies what git tracks into the source archive; in an unpacked archive, which has no git, all but the folder build.
file(REMOVE_RECURSE ${CMAKE_INSTALL_PREFIX})
file(MAKE_DIRECTORY ${CMAKE_INSTALL_PREFIX})
if(EXISTS ${CPACK_SOCKX_SOURCE}/.git)
  set(list git ls-files -z)
else()
  set(list find . -path ./build -prune -o -not -type d -print0)
endif()
execute_process(
  COMMAND ${list}
  COMMAND tar --create --null --files-from=- --mode=u+rw,go+r,go-w
  COMMAND tar --extract --no-same-owner --directory=${CMAKE_INSTALL_PREFIX}
  WORKING_DIRECTORY ${CPACK_SOCKX_SOURCE} COMMAND_ERROR_IS_FATAL ANY)

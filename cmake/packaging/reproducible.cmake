# The time of all files in the packages: SOURCE_DATE_EPOCH of the environment, else that of the last commit,
# and in an unpacked source archive that of its files.
if(NOT DEFINED ENV{SOURCE_DATE_EPOCH})
  execute_process(COMMAND git -C ${CPACK_SOCKX_SOURCE} log -1 --format=%ct
    OUTPUT_VARIABLE epoch OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE no_commit)
  if(no_commit OR NOT EXISTS ${CPACK_SOCKX_SOURCE}/.git)
    file(TIMESTAMP ${CPACK_SOCKX_SOURCE}/CMakeLists.txt epoch %s UTC)
  endif()
  set(ENV{SOURCE_DATE_EPOCH} ${epoch})
endif()

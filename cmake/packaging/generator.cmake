# Read by cpack once for each package that it makes.
include(${CPACK_SOCKX_SOURCE}/cmake/packaging/reproducible.cmake)

set(CPACK_POST_BUILD_SCRIPTS ${CPACK_SOCKX_SOURCE}/cmake/packaging/repack.cmake)
if(CPACK_GENERATOR STREQUAL "DEB")
  set(CPACK_PRE_BUILD_SCRIPTS ${CPACK_SOCKX_SOURCE}/cmake/packaging/debian_files.cmake)
elseif(CPACK_GENERATOR STREQUAL "TXZ")
  # The source archive. Nothing of the build is in it.
  set(CPACK_PACKAGE_FILE_NAME ${CPACK_PACKAGE_NAME}-${CPACK_PACKAGE_VERSION})
  set(CPACK_INCLUDE_TOPLEVEL_DIRECTORY ON)
  set(CPACK_INSTALL_CMAKE_PROJECTS "")
  set(CPACK_INSTALLED_DIRECTORIES "")
  set(CPACK_PACKAGING_INSTALL_PREFIX "")
  set(CPACK_INSTALL_SCRIPTS ${CPACK_SOCKX_SOURCE}/cmake/packaging/source_files.cmake)
endif()

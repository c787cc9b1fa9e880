# The last rule of `cmake --install`: lists the installed files, and the folders that were made for them, in
# installed.txt of the build folder, for the target `uninstall`. CMake's own list, install_manifest.txt, has no
# folders, and cpack overwrites it; what cpack installs into its own folder is not listed here.
if(NOT CMAKE_INSTALL_PREFIX MATCHES "/_CPack_Packages/")
  set(sockx_installed)
  if(EXISTS "${sockx_build}/installed.txt")
    file(STRINGS "${sockx_build}/installed.txt" sockx_installed)
  endif()
  foreach(file IN LISTS CMAKE_INSTALL_MANIFEST_FILES)
    list(APPEND sockx_installed "$ENV{DESTDIR}${file}")
  endforeach()
  list(APPEND sockx_installed ${sockx_new_folders})
  list(REMOVE_DUPLICATES sockx_installed)
  list(SORT sockx_installed)
  list(JOIN sockx_installed "\n" sockx_installed)
  file(WRITE "${sockx_build}/installed.txt" "${sockx_installed}\n")
endif()

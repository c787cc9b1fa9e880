# The first rule of `cmake --install`: notes which folders of the rules that follow do not exist yet.
# after_install.cmake needs them. CMake's script of the rules is the one that includes this file.
get_filename_component(sockx_build "${CMAKE_PARENT_LIST_FILE}" DIRECTORY)
file(READ "${CMAKE_PARENT_LIST_FILE}" sockx_rules)
string(REGEX MATCHALL "INSTALL DESTINATION \"[^\"]*\"" sockx_rules "${sockx_rules}")
set(sockx_new_folders)
foreach(rule IN LISTS sockx_rules)
  string(REGEX REPLACE "INSTALL DESTINATION \"([^\"]*)\"" "\\1" folder "${rule}")
  string(REPLACE "\${CMAKE_INSTALL_PREFIX}" "${CMAKE_INSTALL_PREFIX}" folder "$ENV{DESTDIR}${folder}")
  while(NOT EXISTS "${folder}")
    list(APPEND sockx_new_folders "${folder}")
    get_filename_component(folder "${folder}" DIRECTORY)
  endwhile()
endforeach()

# What a Debian package has besides what `cmake --install` installs. Runs before cpack packs the folder.
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)  # of SOURCE_DATE_EPOCH
string(TIMESTAMP year "%Y" UTC)
set(root ${CPACK_TEMPORARY_INSTALL_DIRECTORY})
set(share ${root}/usr/share)
set(doc ${share}/doc/${CPACK_PACKAGE_NAME})

execute_process(COMMAND ${CPACK_SOCKX_STRIP} --strip-all --remove-section=.comment --remove-section=.note
  ${root}/usr/bin/sockx COMMAND_ERROR_IS_FATAL ANY)

# The licence, in machine-readable form.
file(READ ${CPACK_SOCKX_SOURCE}/LICENSE licence)
string(REGEX MATCH "Copyright \\(c\\) ([^\n]*)" ignored "${licence}")
set(copyright "${CMAKE_MATCH_1}")
string(REGEX REPLACE "^.*Copyright [^\n]*\n+" "" licence "${licence}")
string(REGEX REPLACE "\n+$" "" licence "${licence}")
string(REGEX REPLACE "\n\n" "\n.\n" licence "${licence}")
string(REGEX REPLACE "\n" "\n " licence "${licence}")
file(WRITE ${doc}/copyright "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: ${CPACK_PACKAGE_NAME}

Files: *
Copyright: ${copyright}
License: Expat

License: Expat
 ${licence}
")
file(REMOVE ${doc}/LICENSE)

file(COPY ${CPACK_SOCKX_SOURCE}/CHANGELOG.md DESTINATION ${doc})
file(RENAME ${doc}/CHANGELOG.md ${doc}/changelog)
file(WRITE ${doc}/changelog.Debian "${CPACK_PACKAGE_NAME} (${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}) unstable; urgency=medium

  * New release. What has changed is in changelog.gz.

 -- ${CPACK_DEBIAN_PACKAGE_MAINTAINER}  ${date}
")

# zsh looks for what packages bring in a folder of its own.
if(EXISTS ${share}/zsh/site-functions)
  file(RENAME ${share}/zsh/site-functions ${share}/zsh/vendor-completions)
endif()

# What the alternatives of /bin/nc point to, see postinst. The program acts as nc under this name.
file(CREATE_LINK sockx ${root}/usr/bin/nc.sockx SYMBOLIC)
if(EXISTS ${share}/man/man1/sockx-nc.1)
  file(CREATE_LINK sockx-nc.1.gz ${share}/man/man1/nc.sockx.1.gz SYMBOLIC)
endif()

file(MAKE_DIRECTORY ${share}/lintian/overrides)
file(COPY ${CPACK_SOCKX_SOURCE}/cmake/packaging/lintian-overrides DESTINATION ${share}/lintian/overrides)
file(RENAME ${share}/lintian/overrides/lintian-overrides ${share}/lintian/overrides/${CPACK_PACKAGE_NAME})

file(GLOB plain ${share}/man/man*/*.[1-9] ${doc}/changelog ${doc}/changelog.Debian)
execute_process(COMMAND gzip --best --no-name --force ${plain} COMMAND_ERROR_IS_FATAL ANY)

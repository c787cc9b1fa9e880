# cpack writes files in the order in which the file system lists them. What it has made is packed again, in a fixed
# order, by the tools that do this well.
set(epoch $ENV{SOURCE_DATE_EPOCH})
foreach(package IN LISTS CPACK_PACKAGE_FILES)
  set(folder ${CPACK_TEMPORARY_DIRECTORY}.unpacked)
  file(REMOVE_RECURSE ${folder})
  if(package MATCHES "\\.deb$")
    execute_process(COMMAND dpkg-deb --raw-extract ${package} ${folder} COMMAND_ERROR_IS_FATAL ANY)
    # The order of the sums, too.
    file(STRINGS ${folder}/DEBIAN/md5sums sums)
    list(TRANSFORM sums REPLACE "^([0-9a-f]+)  (.*)$" "\\2  \\1")
    list(SORT sums)
    list(TRANSFORM sums REPLACE "^(.*)  ([0-9a-f]+)$" "\\2  \\1")
    list(JOIN sums "\n" sums)
    file(WRITE ${folder}/DEBIAN/md5sums "${sums}\n")
    # cpack counts what links point to as well.
    execute_process(COMMAND du --summarize --apparent-size --block-size=1K ${folder}/usr OUTPUT_VARIABLE size
      COMMAND_ERROR_IS_FATAL ANY)
    string(REGEX MATCH "^[0-9]+" size ${size})
    file(READ ${folder}/DEBIAN/control control)
    string(REGEX REPLACE "Installed-Size: [0-9]+" "Installed-Size: ${size}" control "${control}")
    file(WRITE ${folder}/DEBIAN/control "${control}")
    execute_process(COMMAND find ${folder} -exec touch --no-dereference --date=@${epoch} {} +
      COMMAND_ERROR_IS_FATAL ANY)
    execute_process(COMMAND dpkg-deb --root-owner-group -Zxz --threads-max=1 --build ${folder} ${package}
      OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
  else()
    file(MAKE_DIRECTORY ${folder})
    execute_process(COMMAND tar --extract --file=${package} --directory=${folder} COMMAND_ERROR_IS_FATAL ANY)
    execute_process(
      COMMAND tar --create --directory=${folder} --sort=name --format=gnu --mtime=@${epoch} --owner=0 --group=0
        --numeric-owner ${CPACK_PACKAGE_NAME}-${CPACK_PACKAGE_VERSION}
      COMMAND xz -9 --threads=1 --stdout
      OUTPUT_FILE ${package} COMMAND_ERROR_IS_FATAL ANY)
  endif()
  file(REMOVE_RECURSE ${folder})
endforeach()

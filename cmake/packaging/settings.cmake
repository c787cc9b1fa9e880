# What cpack makes, run in the build folder: `cpack -G DEB` the Debian package, `cpack -G TXZ` the source archive,
# `cpack` both. They are the same, bit for bit, whenever and wherever they are made of the same sources:
# reproducible.cmake.
set(SOCKX_MAINTAINER "sockx authors <maintainers@users.noreply.h-seed-87ddc7a6.example>" CACHE STRING
  "The maintainer of the Debian package: Name <address>")

set(CPACK_PACKAGE_NAME sockx)
set(CPACK_PACKAGE_VENDOR "sockx authors")
set(CPACK_GENERATOR DEB TXZ)
set(CPACK_PROJECT_CONFIG_FILE ${PROJECT_SOURCE_DIR}/cmake/packaging/generator.cmake)
set(CPACK_SOCKX_SOURCE ${PROJECT_SOURCE_DIR})
set(CPACK_SOCKX_STRIP ${CMAKE_STRIP})
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR})
set(CPACK_THREADS 1)

set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${SOCKX_MAINTAINER})
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Opened by dlopen(3), see os/library.hpp: TLS and SHA-256 need libssl3 (with libcrypto), --compress needs libzstd1.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "libssl3, libzstd1")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "gnuplot-nox")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${PROJECT_SOURCE_DIR}/cmake/packaging/postinst ${PROJECT_SOURCE_DIR}/cmake/packaging/prerm)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "networking multitool for the command line, like netcat")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"sockx opens, accepts and uses TCP, Unix, UDP and raw sockets. It joins a
connection to standard input and output, serves many clients, forwards ports,
checks which ports are open, speaks TLS and the protocols of SOCKS and HTTP
proxies, and is a proxy itself.
.
It sends and receives files and directory trees, with a digest of each piece
and resumption, and uses sendfile, splice and io_uring where they help. It
shows and changes socket options, of running processes too, and --trace shows
each system call on a socket.
.
Its exit status tells what went wrong, and --json prints results as NDJSON.
As nc it takes the options of OpenBSD's netcat.")

include(CPack)

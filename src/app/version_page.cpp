#include "app/version_page.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>

#include "app/version.hpp"
#include "base/text.hpp"
#include "flow/method.hpp"
#include "os/library.hpp"
#include "os/unique_fd.hpp"

namespace sockx {

namespace {

/// A library that is opened by dlopen(3) when an option needs it.
struct OptionalLibrary {
  const char *file, *name, *purpose;
  std::string (*version)(const Library&);
};

std::string openssl_version(const Library& library) {
  const char* (*tell)(int) = nullptr;
  library.find("OpenSSL_version", tell);
  const std::string said = tell(0);  // "OpenSSL 3.0.17 1 Jul 2025"
  const auto begin = said.find(' ') + 1;
  return said.substr(begin, said.find(' ', begin) - begin);
}

std::string zstd_version(const Library& library) {
  const char* (*tell)() = nullptr;
  library.find("ZSTD_versionString", tell);
  return tell();
}

constexpr std::array optional_libraries{
    OptionalLibrary{"libcrypto.so.3", "OpenSSL", "--tls, --hash sha256", openssl_version},
    OptionalLibrary{"libzstd.so.1", "zstd", "--compress zstd", zstd_version},
};

std::string state_of(const OptionalLibrary& any) {
  try {
    const Library library(any.file, any.name);
    return text("{} {} ({})", any.name, any.version(library), any.purpose);
  } catch (const std::runtime_error&) {
    return text("no {} ({}: {} is missing)", any.name, any.purpose, any.file);
  }
}

bool has_socket(int family, int type, int protocol) {
  const UniqueFd made(socket(family, type | SOCK_CLOEXEC, protocol));
  return made.get() >= 0;
}

/// What is asked for is wrong on purpose, and the kernel says so where it has io_uring for this process.
bool offers_io_uring() {
  return syscall(SYS_io_uring_setup, 0, nullptr) < 0 && errno != ENOSYS && errno != EPERM;
}

std::string kernel() {
  utsname name{};
  uname(&name);
  std::string abilities;
  const auto add = [&abilities](const char* what, bool is_there) {
    abilities += text("{}{}{}", abilities.empty() ? "" : ", ", is_there ? "" : "no ", what);
  };
  add("IPv6", has_socket(AF_INET6, SOCK_DGRAM, 0));
  add("Multipath TCP", has_socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP));
  add("UDP-Lite", has_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE));
  add("vsock", has_socket(AF_VSOCK, SOCK_STREAM, 0));
  add("io_uring", offers_io_uring());
  add("raw sockets for this user", has_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
  return text("{} {}: {}", name.sysname, name.release, abilities);
}

}  // namespace

std::string version_page() {
  return text(
      "sockx {}\n{}\n{}\nThis is free software: you are free to change and redistribute it.\n"
      "There is NO WARRANTY, to the extent permitted by law.\n\n"
      "Compiled in: {}{}\nOpened when needed: {}\n{}\n",
      version, copyright, license, compiled_libraries, has_io_uring() ? ", liburing" : "",
      joined(optional_libraries, ", ", state_of), kernel());
}

}  // namespace sockx

#include "os/settings_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.hpp"
#include "base/text.hpp"
#include "os/calls.hpp"
#include "os/unique_fd.hpp"

namespace sockx {

namespace {

constexpr std::size_t largest_file = 16 << 20;  // bytes

}  // namespace

std::string read_settings_file(const std::string& path, std::string_view things) {
  const auto fail = [&path] { throw BadInput(text("'{}': {}", path, std::strerror(errno))); };
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  struct stat status {};
  if (!file || fstat(file.get(), &status) != 0) fail();
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))  // read(2) says what is wrong with a folder
    throw BadInput(text("'{}': {} are read from a regular file", path, things));
  const auto check = [&](std::size_t size) {
    if (size > largest_file) throw BadInput(text("'{}': a file of {} has at most 16 MiB", path, things));
  };
  check(static_cast<std::size_t>(status.st_size));
  std::string content;
  std::array<char, 16384> buffer;
  for (;;) {
    check(content.size());
    const auto got = uninterrupted([&] { return ::read(file.get(), buffer.data(), buffer.size()); });
    if (got < 0) fail();
    if (got == 0) return content;
    content.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace sockx

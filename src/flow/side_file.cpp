#include "flow/side_file.hpp"

#include <fcntl.h>
#include <poll.h>

#include "os/calls.hpp"
#include "os/text.hpp"

namespace sockx {

namespace {

/// A fifo is opened for reading too, so that it opens at once and fills while nobody reads it yet.
UniqueFd open_to_write(const std::string& path) {
  constexpr int flags = O_CREAT | O_TRUNC | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  int fd = open(path.c_str(), O_WRONLY | flags, 0666);
  if (fd < 0 && errno == ENXIO) fd = open(path.c_str(), O_RDWR | flags, 0666);
  if (fd < 0) throw_errno(text("open {}", path), Origin::local_file);
  return UniqueFd(fd);
}

}  // namespace

SideFile::SideFile(const std::string& path)
    : fd_(open_to_write(path)), file_(describe(fd_.get(), path, Origin::local_file)) {}

SideFile::~SideFile() {
  constexpr int last_chance = 2000;  // milliseconds without progress
  pollfd writable{fd_.get(), POLLOUT, 0};
  try {
    while (!flush())
      if (poll(&writable, 1, last_chance) <= 0) return;
  } catch (const Error&) {
    return;  // whoever reads it has gone
  }
}

void SideFile::put(std::span<const std::byte> bytes) {
  left_.insert(left_.end(), bytes.begin(), bytes.end());
  flush();
}

bool SideFile::flush() {
  std::size_t written = 0;
  while (written < left_.size()) {
    const auto put = write_some(file_, std::span(left_).subspan(written));
    if (put.state != IoResult::State::moved) break;
    written += put.bytes;
  }
  left_.erase(left_.begin(), left_.begin() + static_cast<std::ptrdiff_t>(written));
  return left_.empty();
}

}  // namespace sockx

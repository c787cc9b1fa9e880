#include "os/file_advice.hpp"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "os/calls.hpp"
#include "os/observer.hpp"

namespace sockx {

namespace {

void advise(int file, off_t offset, std::size_t length, int advice, std::string_view name) {
  const int error = posix_fadvise(file, offset, static_cast<off_t>(length), advice);
  errno = error;
  observe_call("posix_fadvise", error == 0 ? 0 : -1, "{}, {}, {}, {}", file, offset, length, name);
}

}  // namespace

void set_read_ahead(int file, bool is_on) {
  if (is_on)
    advise(file, 0, 0, POSIX_FADV_NORMAL, "POSIX_FADV_NORMAL");
  else
    advise(file, 0, 0, POSIX_FADV_RANDOM, "POSIX_FADV_RANDOM");
}

void drop_read_ahead(int file, off_t offset, std::size_t length) {
  advise(file, offset, length, POSIX_FADV_DONTNEED, "POSIX_FADV_DONTNEED");
}

void begin_to_read(int file, off_t offset, std::size_t length) {
  advise(file, offset, length, POSIX_FADV_WILLNEED, "POSIX_FADV_WILLNEED");
}

void read_into_page_cache(int file, off_t offset, std::uint64_t length) {
  std::array<char, 64 * 1024> dropped;
  while (length > 0) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(length, dropped.size()));
    const auto got = uninterrupted([&] { return pread(file, dropped.data(), wanted, offset); });
    if (got <= 0) return;
    offset += got;
    length -= static_cast<std::uint64_t>(got);
  }
}

bool is_in_page_cache(int file, off_t offset) {
  char byte = 0;
  const iovec place{&byte, 1};
  const auto got = preadv2(file, &place, 1, offset, RWF_NOWAIT);
  observe_call("preadv2", got, "{}, 1, {}, RWF_NOWAIT", file, offset);
  return got >= 0 || errno != EAGAIN;
}

}  // namespace sockx

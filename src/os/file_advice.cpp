#include "os/file_advice.hpp"

#include <fcntl.h>

#include <cerrno>
#include <string_view>

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

}  // namespace sockx

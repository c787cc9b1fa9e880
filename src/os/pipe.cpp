#include "os/pipe.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

namespace sockx {

std::optional<Pipe> make_pipe(std::size_t wanted) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return {};
  Pipe made{UniqueFd(ends[0]), UniqueFd(ends[1])};
  grow_pipe(ends[1], wanted);
  made.capacity = static_cast<std::size_t>(std::max(fcntl(ends[1], F_GETPIPE_SZ), 4096));
  return made;
}

void grow_pipe(int fd, std::size_t wanted) {
  if (fcntl(fd, F_GETPIPE_SZ) < static_cast<int>(wanted)) fcntl(fd, F_SETPIPE_SZ, static_cast<int>(wanted));
}

}  // namespace sockx

// Pipe: both ends of a pipe(7).
#pragma once

#include <cstddef>
#include <optional>

#include "os/unique_fd.hpp"

namespace sockx {

struct Pipe {
  UniqueFd read_end, write_end;
  std::size_t capacity = 0;
};
/// A new non-blocking pipe, grown to `wanted` bytes where that is allowed; nothing when there is none
/// to be had (EMFILE, ENOMEM), because a pipe is only ever a faster way.
std::optional<Pipe> make_pipe(std::size_t wanted);

/// Tries to grow a pipe (F_SETPIPE_SZ); an unprivileged user may be refused, which changes nothing.
void grow_pipe(int fd, std::size_t wanted);

}  // namespace sockx

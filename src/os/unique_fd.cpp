#include "os/unique_fd.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "os/observer.hpp"
#include "os/socket_query.hpp"

namespace sockx {

namespace {

/// Puts /dev/null at `number`; dup2 closes what was there in the same step.
bool occupy_with_null(int number) {
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) return false;
  const bool occupied = null == number || dup2(null, number) == number;
  if (null != number) close(null);
  return occupied;
}

}  // namespace

void UniqueFd::reset(int fd) {
  const int old = std::exchange(fd_, fd);
  if (old < 0 || old == fd) return;
  const bool traced = calls_are_observed() && is_socket(old);
  const int result = old <= 2 && occupy_with_null(old) ? 0 : close(old);
  if (traced) observe_call("close", result, "{}", old);
}

}  // namespace sockx

#include "os/socket_query.hpp"

#include <sys/socket.h>
#include <sys/stat.h>

#include "os/observer.hpp"

namespace sockx {

bool is_socket(int fd) {
  struct stat status {};
  return fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
}

std::optional<int> socket_query(int fd, int option, std::string_view name) {
  int value = 0;
  socklen_t size = sizeof value;
  const int result = getsockopt(fd, SOL_SOCKET, option, &value, &size);
  observe_call("getsockopt", result, "{}, SOL_SOCKET, {}, [{}]", fd, name, value);
  if (result < 0) return {};
  return value;
}

}  // namespace sockx

#include "os/socket_query.hpp"

#include <sys/socket.h>

#include "os/observer.hpp"

namespace sockx {

std::optional<int> socket_query(int fd, int option, std::string_view name) {
  int value = 0;
  socklen_t size = sizeof value;
  const int result = getsockopt(fd, SOL_SOCKET, option, &value, &size);
  observe_call("getsockopt", result, "{}, SOL_SOCKET, {}, [{}]", fd, name, value);
  if (result < 0) return {};
  return value;
}

}  // namespace sockx

#include "net/adopt.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "os/error.hpp"
#include "os/text.hpp"

namespace sockx {

Socket adopt(int fd) {
  const auto refused = [fd](std::string_view reason) { return BadInput(text("'fd:{}': {}", fd, reason)); };
  struct stat status {};
  if (fd <= 2)
    throw refused("descriptors 0 to 2 are the standard streams; hand the socket down as 3 or above");
  if (fstat(fd, &status) != 0 || !S_ISSOCK(status.st_mode)) throw refused("that is not an open socket");
  Socket socket{UniqueFd(fd)};
  const bool is_stream = socket.type() == SOCK_STREAM;
  if (!is_stream || (!socket.is_listening() && socket.peer().size() == 0)) {
    std::move(socket).release().release();  // what is refused stays open
    throw refused(is_stream ? "that is neither listening nor connected" : "that is not a stream socket");
  }
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  return socket;
}

}  // namespace sockx

#include "net/adopt.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "os/error.hpp"
#include "os/text.hpp"

namespace sockx {

Socket adopt(int fd) {
  struct stat status {};
  if (fstat(fd, &status) != 0 || !S_ISSOCK(status.st_mode))
    throw BadInput(text("'fd:{}': descriptor {} is not an open socket", fd, fd));
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  return Socket(UniqueFd(fd));
}

}  // namespace sockx

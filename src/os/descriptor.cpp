#include "os/descriptor.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "os/socket_query.hpp"

namespace sockx {

namespace {

Descriptor::Kind socket_kind(int fd) {
  const auto domain = socket_query(fd, SO_DOMAIN, "SO_DOMAIN");
  const auto type = socket_query(fd, SO_TYPE, "SO_TYPE");
  if (type == SOCK_SEQPACKET) return Descriptor::Kind::seqpacket;
  if (type != SOCK_STREAM) return Descriptor::Kind::socket;
  if (domain == AF_INET || domain == AF_INET6) return Descriptor::Kind::tcp;
  return domain == AF_UNIX ? Descriptor::Kind::unix_stream : Descriptor::Kind::socket;
}

Descriptor::Kind kind_of(int fd, const struct stat& status) {
  if (S_ISREG(status.st_mode)) return Descriptor::Kind::file;
  if (S_ISFIFO(status.st_mode)) return Descriptor::Kind::pipe;
  if (S_ISSOCK(status.st_mode)) return socket_kind(fd);
  const bool is_null = S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
  return is_null ? Descriptor::Kind::null_device : Descriptor::Kind::device;
}

}  // namespace

Descriptor describe_terminal(int fd, std::string name, Origin origin, Descriptor::HangUp hang_up) {
  Descriptor described{fd, std::move(name), origin, Descriptor::Kind::terminal};
  described.hang_up = hang_up;
  return described;
}

Descriptor describe(int fd, std::string name, Origin origin) {
  struct stat status {};
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fstat(fd, &status) != 0) throw_errno(name, origin);
  Descriptor described{fd, std::move(name), origin, kind_of(fd, status), (flags & O_APPEND) != 0, false};
  const bool never_waits =
      described.kind == Descriptor::Kind::file || described.kind == Descriptor::Kind::null_device;
  described.may_block = !never_waits && (flags & O_NONBLOCK) == 0;
  return described;
}

}  // namespace sockx

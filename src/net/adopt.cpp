#include "net/adopt.hpp"

#include <fcntl.h>

#include "os/error.hpp"
#include "os/socket_query.hpp"
#include "os/text.hpp"

namespace sockx {

namespace {

/// Why it cannot be used as asked; empty when it can.
std::string_view objection_to(const Socket& socket, int type) {
  if (!is_socket(socket.fd())) return "that is not an open socket";
  if (socket.type() == type)
    return socket.is_listening() || socket.peer().size() != 0 ? ""
                                                              : "that is neither listening nor connected";
  if (socket.type() == SOCK_SEQPACKET) return "that socket keeps records apart; say --type seqpacket";
  return type == SOCK_SEQPACKET ? "that is not a seqpacket socket" : "that is not a stream socket";
}

}  // namespace

Socket adopt(UniqueFd fd, const std::string& name, int type) {
  Socket socket(std::move(fd));
  const auto objection = objection_to(socket, type);
  if (!objection.empty()) throw Error(EPROTO, text("{}: {}", name, objection), Origin::peer);
  fcntl(socket.fd(), F_SETFD, FD_CLOEXEC);
  return socket;
}

Socket adopt(int fd, int type) {
  const auto name = text("fd:{}", fd);
  if (fd <= 2)
    throw BadInput(
        text("'{}': descriptors 0 to 2 are the standard streams; hand the socket down as 3 or above", name));
  return adopt(fd, name, type);
}

Socket adopt(int fd, const std::string& name, int type) {
  Socket socket{UniqueFd(fd)};
  const auto objection = objection_to(socket, type);
  if (!objection.empty()) {
    std::move(socket).release().release();  // what is refused stays open
    throw BadInput(text("'{}': {}", name, objection));
  }
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  return socket;
}

}  // namespace sockx

#include "net/stream/adopt.hpp"

#include <fcntl.h>

#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "os/socket_query.hpp"

namespace sockx {

namespace {

/// Why a socket cannot be used as asked, and the setting that would mend it; empty when it can.
std::pair<std::string_view, std::string> reason_to_refuse(const Socket& socket, int type) {
  if (!is_socket(socket.fd())) return {"that is not an open socket", ""};
  if (socket.type() == type) {
    const bool is_ready = type == SOCK_DGRAM || socket.is_listening() || socket.peer().size() != 0;
    return {is_ready ? "" : "that is neither listening nor connected", ""};
  }
  if (type == SOCK_DGRAM) return {"that is not a datagram socket", ""};
  if (socket.type() == SOCK_SEQPACKET) return {"that socket keeps records apart", "type seqpacket"};
  return {type == SOCK_SEQPACKET ? "that is not a seqpacket socket" : "that is not a stream socket", ""};
}

}  // namespace

Socket adopt(UniqueFd fd, const std::string& name, int type) {
  Socket socket(std::move(fd));
  const auto [reason, mend] = reason_to_refuse(socket, type);
  if (!reason.empty()) throw advise(Error(EPROTO, text("{}: {}", name, reason), Origin::peer), mend);
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
  const auto [reason, mend] = reason_to_refuse(socket, type);
  if (!reason.empty()) {
    std::move(socket).release().release();  // what is refused stays open
    throw advise(BadInput(text("'{}': {}", name, reason)), mend);
  }
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  return socket;
}

}  // namespace sockx

#include "net/stream/connection.hpp"

#include <utility>

namespace sockx {

Connection connection_of(EventLoop& loop, Socket socket, Address peer, std::string name) {
  if (name.empty()) name = peer.to_string();
  return {Stream(loop, std::move(socket).release(), std::move(name), Origin::peer), peer};
}

Connection adopted_connection(EventLoop& loop, Socket socket) {
  const auto peer = socket.peer();
  auto connection = connection_of(loop, std::move(socket), peer);
  connection.is_adopted = true;
  return connection;
}

}  // namespace sockx

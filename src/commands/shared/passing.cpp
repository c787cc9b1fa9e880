#include "commands/shared/passing.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "flow/stream.hpp"
#include "net/dial.hpp"
#include "os/fd_passing.hpp"
#include "os/socket_query.hpp"

namespace sockx {

Task<Socket> open_taker(const ConversationOptions& options) {
  if (options.pass_to != "-") {
    const auto endpoint = Endpoint::parse({options.pass_to}, Endpoint::Role::connecting);
    const auto* const address = std::get_if<Address>(&endpoint.where);
    if (address == nullptr || address->family() != AF_UNIX)
      throw BadInput(text("--pass-fd: '{}': descriptors pass through unix sockets only: say unix:PATH",
                          options.pass_to));
    DialOptions dialing;
    dialing.deadline = deadline_in(options.limits.connect);
    auto dialed = co_await dial(endpoint, std::move(dialing));
    co_return std::move(dialed.socket);
  }
  if (socket_query(STDOUT_FILENO, SO_DOMAIN, "SO_DOMAIN") != AF_UNIX)
    throw BadInput("--pass-fd: standard output is no unix socket; name one: --pass-fd=unix:PATH");
  co_return Socket(UniqueFd(STDOUT_FILENO));
}

/// The taker gets the socket as programs expect one that is handed to them: in blocking mode.
Task<> pass_on(Context& context, Connection connection, Socket taker) {
  const auto& [socket, peer, is_adopted] = connection;
  if (!is_adopted) fcntl(socket.fd(), F_SETFL, 0);
  auto name = taker.fd() == STDOUT_FILENO ? "stdout" : taker.peer().to_string();
  auto& loop = co_await this_loop();
  Stream stream(loop, std::move(taker).release(), std::move(name), Origin::peer);
  while (!pass_fd(stream.facts(), socket.fd())) {
    stream.watch().forget_writable();
    co_await stream.writable();
  }
  context.log.info("passed on the connection to {}", peer.to_string());
  context.report.event("passed", {{"local", socket.local().to_string()}, {"peer", peer.to_string()}});
}

}  // namespace sockx

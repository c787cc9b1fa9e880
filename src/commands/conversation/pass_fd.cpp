#include "commands/conversation/pass_fd.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "commands/stream/proxy_flags.hpp"
#include "flow/stream.hpp"
#include "net/stream/dial.hpp"
#include "os/fd_passing.hpp"
#include "os/socket_query.hpp"

namespace sockx {

Task<Stream> open_fd_receiver(const ConversationOptions& options) {
  if (options.pass_to != "-") {
    const auto endpoint = Endpoint::parse({options.pass_to}, Endpoint::Role::connecting);
    const auto* const address = std::get_if<Address>(&endpoint.where);
    if (address == nullptr || address->family() != AF_UNIX)
      throw BadInput(text("--pass-fd: '{}': descriptors pass through unix sockets only: say unix:PATH",
                          options.pass_to));
    DialOptions dialing;
    dialing.deadline = deadline_in(options.limits.connect);
    auto dialed = co_await dial(endpoint, std::move(dialing));
    co_return std::move(dialed.stream);
  }
  if (socket_query(STDOUT_FILENO, SO_DOMAIN, "SO_DOMAIN") != AF_UNIX)
    throw BadInput("--pass-fd: standard output is no unix socket; name one: --pass-fd=unix:PATH");
  auto& loop = co_await this_loop();
  co_return Stream(loop, UniqueFd(STDOUT_FILENO), "stdout", Origin::peer);
}

Task<> pass_descriptor(int fd, bool sets_blocking, Stream fd_receiver) {
  if (sets_blocking) fcntl(fd, F_SETFL, 0);
  while (!pass_fd(fd_receiver.facts(), fd)) {
    fd_receiver.watch().forget_writable();
    co_await fd_receiver.writable();
  }
}

Task<> pass_connection(Context& context, Connection connection, Stream fd_receiver) {
  co_await pass_descriptor(connection.fd(), !connection.is_adopted, std::move(fd_receiver));
  context.log.info("passed on the connection to {}", connection.name());
  std::vector<Field> fields{{"local", connection.local().to_string()}};
  std::ranges::move(peer_fields(connection), std::back_inserter(fields));
  context.report.event("passed", fields);
}

}  // namespace sockx

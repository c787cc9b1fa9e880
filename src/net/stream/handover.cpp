#include "net/stream/handover.hpp"

#include "base/error.hpp"
#include "base/text.hpp"
#include "flow/stream.hpp"
#include "net/stream/adopt.hpp"
#include "net/stream/listen.hpp"
#include "os/fd_passing.hpp"

namespace sockx {

Task<UniqueFd> receive_socket(Address where, Deadline deadline) {
  Endpoint endpoint{where};
  ListenerOptions options;
  auto listener = co_await listen_on(std::move(endpoint), std::move(options));
  auto accepted = co_await accept(listener, deadline);
  auto& loop = co_await this_loop();
  Stream giver(loop, std::move(accepted.stream).release(), where.to_string(), Origin::peer);
  for (;;) {
    if (auto passed = receive_fd(giver.facts())) co_return std::move(*passed);
    giver.watch().forget_readable();
    const bool in_time = co_await giver.readable(deadline);
    if (!in_time) throw TimedOut(text("{}: no descriptor came in time", where.to_string()));
  }
}

Task<Socket> adopt_socket(Endpoint endpoint, int type, Deadline deadline) {
  if (const auto* inherited = std::get_if<InheritedFd>(&endpoint.where)) co_return adopt(inherited->fd, type);
  auto passed = co_await receive_socket(std::get<PassedFd>(endpoint.where).at, deadline);
  co_return adopt(std::move(passed), endpoint.to_string(), type);
}

}  // namespace sockx

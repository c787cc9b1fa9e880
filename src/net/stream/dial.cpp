#include "net/stream/dial.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/address/resolve.hpp"
#include "net/stream/handover.hpp"
#include "net/stream/race.hpp"

namespace sockx {

namespace {

/// RFC 8305, section 4: the family of the first address leads, and from there on they take turns.
std::vector<Address> alternate_families(const std::vector<Address>& addresses) {
  std::vector<Address> leading, other, mixed;
  for (const auto& address : addresses)
    (address.family() == addresses.front().family() ? leading : other).push_back(address);
  for (std::size_t i = 0; i < std::max(leading.size(), other.size()); ++i) {
    if (i < leading.size()) mixed.push_back(leading[i]);
    if (i < other.size()) mixed.push_back(other[i]);
  }
  return mixed;
}

[[noreturn]] void fail(const Endpoint& endpoint, const RaceResult& result, Deadline deadline) {
  const auto tried =
      result.tried > 1 ? text("{} ({} addresses)", endpoint.to_string(), result.tried) : endpoint.to_string();
  if (Clock::now() >= deadline) throw TimedOut(text("connect {}: timed out", tried));
  if (result.failure) std::rethrow_exception(result.failure);
  throw Error(result.error, text("connect {}", result.tried > 1 ? tried : result.address.to_string()),
              Origin::peer);
}

/// Of an endpoint that names a socket instead of an address.
Task<Connection> adopt_dialed(EventLoop& loop, Endpoint endpoint, const DialOptions& options) {
  auto socket = co_await adopt_socket(endpoint, options.stream.type, options.deadline);
  if (socket.is_listening())
    throw advise(BadInput(text("'{}': that socket is listening", endpoint.to_string())), "listen");
  for (const auto& setting : options.stream.settings) check_level(setting, socket.local().family());
  prepare_connected(socket.fd(), options.stream);
  co_return adopted_connection(loop, std::move(socket));
}

}  // namespace

Task<std::vector<Address>> addresses_to_dial(Endpoint endpoint, StreamOptions options, Deadline deadline) {
  std::vector<Address> addresses;
  if (const auto* address = std::get_if<Address>(&endpoint.where)) {
    addresses.push_back(*address);
  } else {
    const ResolveOptions how{options.family, options.numeric};
    const auto resolved = co_await resolve(std::get<HostPort>(endpoint.where), how, deadline);
    addresses = alternate_families(resolved);
  }
  if (options.source) options.source->leave_family(addresses, endpoint.to_string());
  co_return addresses;
}

Task<Connection> dial(Endpoint endpoint, DialOptions options) {
  auto& loop = co_await this_loop();
  check_dialing(options.stream, endpoint);
  std::optional<Connection> connection;
  if (endpoint.is_adopted()) {
    connection.emplace(co_await adopt_dialed(loop, std::move(endpoint), options));
  } else {
    const auto addresses = co_await addresses_to_dial(endpoint, options.stream, options.deadline);
    auto result = co_await race(addresses, options);
    if (!result.winner) fail(endpoint, result, options.deadline);
    connection.emplace(connection_of(loop, std::move(result.winner), result.peer));
  }
  connection->forwarded = options.forwarded;
  co_await apply_layers(options.stream.layers, *connection, options.deadline);
  co_return std::move(*connection);
}

}  // namespace sockx

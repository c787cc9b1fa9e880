#include "net/stream/dial.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/address/resolve.hpp"
#include "net/proxy/proxy_refusal.hpp"
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

/// `attempt` is "connect", or "connect to proxy".
[[noreturn]] void fail(const std::string& attempt, const Endpoint& endpoint, const RaceResult& result,
                       Deadline deadline) {
  const auto tried =
      result.tried > 1 ? text("{} ({} addresses)", endpoint.to_string(), result.tried) : endpoint.to_string();
  if (Clock::now() >= deadline) throw TimedOut(text("{} {}: timed out", attempt, tried));
  if (result.failure) std::rethrow_exception(result.failure);
  throw Error(result.error, text("{} {}", attempt, result.tried > 1 ? tried : result.address.to_string()),
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

/// By connect(2). `target` is what the connection is called if the endpoint is a proxy's.
Task<Connection> connect_to(EventLoop& loop, Endpoint endpoint, const DialOptions& options,
                            std::string target) {
  auto addresses = target.empty() ? alternate_families(options.addresses) : std::vector<Address>();
  if (addresses.empty()) {
    addresses = co_await addresses_to_dial(endpoint, options.stream, options.deadline);
  }
  auto result = co_await race(addresses, options);
  if (!result.winner)
    fail(target.empty() ? "connect" : "connect to proxy", endpoint, result, options.deadline);
  co_return connection_of(loop, std::move(result.winner), result.peer, std::move(target));
}

/// One of the ways to the target.
Task<Connection> dial_one_way(EventLoop& loop, HopTargets way, HostPort target, const DialOptions& options) {
  auto first = options.route.first().endpoint();
  auto name = options.route.name_of(target);
  auto connection = co_await connect_to(loop, std::move(first), options, std::move(name));
  const std::function<void(bool, const std::string&)> tell = [&](bool has_answered,
                                                                 const std::string& words) {
    using Kind = DialEvent::Kind;
    options.tell({has_answered ? Kind::asked_proxy : Kind::asking_proxy, connection.peer, 0, words});
  };
  co_await go_through(options.route, way, std::move(target), connection, tell, options.deadline);
  connection.forwarded = options.forwarded;
  co_await apply_layers(options.stream.layers, connection, options.deadline);
  co_return connection;
}

/// A refusal may concern one address of the target alone.
Task<Connection> dial_by_proxies(EventLoop& loop, Endpoint endpoint, const DialOptions& options) {
  const auto target = target_behind(options.route, endpoint);
  check_dialing(options.stream, options.route.first().endpoint());
  auto route = options.route;
  auto asked = target;
  auto ways =
      co_await ways_through(std::move(route), std::move(asked), options.stream.numeric, options.deadline);
  std::exception_ptr refusal;
  for (auto& way : ways) {
    auto wanted = target;
    try {
      auto connection = co_await dial_one_way(loop, std::move(way), std::move(wanted), options);
      co_return connection;
    } catch (const ProxyRefusal& error) {
      if (!refusal) refusal = std::current_exception();
      if (!error.may_pass()) break;  // it concerns us, and not the address
    }
  }
  std::rethrow_exception(refusal);
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
  if (!options.route.empty()) {
    auto dialed = co_await dial_by_proxies(loop, std::move(endpoint), options);
    co_return dialed;
  }
  check_dialing(options.stream, endpoint);
  std::optional<Connection> connection;
  if (endpoint.is_adopted()) {
    connection.emplace(co_await adopt_dialed(loop, std::move(endpoint), options));
  } else {
    std::string own_name;
    connection.emplace(co_await connect_to(loop, std::move(endpoint), options, std::move(own_name)));
  }
  connection->forwarded = options.forwarded;
  co_await apply_layers(options.stream.layers, *connection, options.deadline);
  co_return std::move(*connection);
}

}  // namespace sockx

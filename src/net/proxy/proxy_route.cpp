#include "net/proxy/proxy_route.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/address/resolve.hpp"
#include "net/proxy/http_connect_client.hpp"
#include "net/proxy/proxy_refusal.hpp"
#include "net/proxy/socks_client.hpp"

namespace sockx {

namespace {

std::string shown_target(const HostPort& target) { return Endpoint{target}.to_string(); }

/// The addresses of the target that the proxy can be given.
Task<std::vector<HostPort>> targets_for(Proxy proxy, HostPort target, bool numeric, Deadline deadline) {
  std::vector<HostPort> targets;
  if (!proxy.takes_addresses_only()) {
    targets.push_back(std::move(target));
    co_return targets;
  }
  const ResolveOptions how{proxy.is_socks4() ? AF_INET : AF_UNSPEC, numeric};
  const auto addresses = co_await resolve(target, how, deadline);
  for (const auto& address : addresses)
    if (address.scope_id() == 0) targets.push_back({address.host(), target.port});
  if (targets.empty())
    throw BadInput(
        text("'{}': it has link-local addresses only, which mean nothing to a proxy", target.host));
  co_return targets;
}

Task<> ask_one(const ProxyHop& hop, const HostPort& target, Stream& stream, Deadline deadline) {
  const bool is_http = hop.proxy.kind == Proxy::Kind::http || hop.proxy.kind == Proxy::Kind::https;
  if (is_http) {
    co_await ask_http(stream, hop.proxy, target, deadline);
  } else {
    co_await ask_socks(stream, hop.proxy, target, deadline);
  }
}

/// Throws the failure again, with what was tried before its message.
[[noreturn]] void rethrow_for(const std::string& attempt, const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const ProxyRefusal& error) {
    ProxyRefusal whole(text("{}: {}", attempt, error.what()), error.reply(), error.may_pass(), error.code());
    throw advise(std::move(whole), error.mend);
  } catch (const ProxyError& error) {
    throw ProxyError(text("{}: {}", attempt, error.what()));
  } catch (const TimedOut&) {
    throw TimedOut(text("{}: the proxy has not answered in time", attempt));
  }
}

}  // namespace

std::string ProxyRoute::to_string(std::size_t count) const {
  std::vector<std::string> addresses;
  for (const auto& hop : hops)
    if (addresses.size() < count) addresses.push_back(hop.proxy.address());
  return text("{} {}", count == 1 ? "proxy" : "proxies", joined(addresses));
}

std::string ProxyRoute::name_of(const HostPort& target) const {
  return text("{} via {}", shown_target(target), to_string());
}

std::string peer_name(const Connection& connection) {
  return connection.proxy ? shown_target(connection.proxy->target) : connection.name();
}

HostPort target_behind(const ProxyRoute& route, const Endpoint& endpoint) {
  const auto* const target = std::get_if<HostPort>(&endpoint.where);
  if (target == nullptr)
    throw BadInput("proxy", text("'{}' is on this machine: a proxy connects to a host and a port",
                                 endpoint.to_string()));
  for (std::size_t i = 0; i < route.hops.size(); ++i) {
    const bool is_last = i + 1 == route.hops.size();
    const auto& next = is_last ? *target : std::get<HostPort>(route.hops[i + 1].proxy.endpoint().where);
    check_target(route.hops[i].proxy, next);
  }
  return *target;
}

Task<std::vector<HopTargets>> ways_through(ProxyRoute route, HostPort target, bool numeric,
                                           Deadline deadline) {
  HopTargets before;
  for (std::size_t i = 0; i + 1 < route.hops.size(); ++i) {
    auto& next = route.hops[i + 1].proxy;
    auto proxy = route.hops[i].proxy;
    HostPort place{next.host, next.port};
    auto found = co_await targets_for(std::move(proxy), std::move(place), numeric, deadline);
    before.push_back(std::move(found.front()));
  }
  auto last = route.hops.back().proxy;
  auto found = co_await targets_for(std::move(last), std::move(target), numeric, deadline);
  std::vector<HopTargets> ways;
  for (auto& one : found) {
    ways.push_back(before);
    ways.back().push_back(std::move(one));
  }
  co_return ways;
}

Task<> go_through(const ProxyRoute& route, const HopTargets& targets, HostPort target, Connection& connection,
                  const std::function<void(bool, const std::string&)>& tell, Deadline deadline) {
  const auto limit = route.limit ? std::min(deadline, after(*route.limit)) : deadline;
  for (std::size_t i = 0; i < route.hops.size(); ++i) {
    const auto& hop = route.hops[i];
    if (hop.start_tls) {
      co_await hop.start_tls(connection, limit);
      connection.tls.reset();  // it is the proxy's
    }
    const bool is_last = i + 1 == route.hops.size();
    const auto wanted = is_last ? shown_target(target) : "proxy " + route.hops[i + 1].proxy.address();
    const auto attempt = text("connect {}{} via {}", is_last ? "" : "to ", wanted, route.to_string(i + 1));
    tell(false, text("asking {} for {}", hop.proxy.to_string(), shown_target(targets[i])));
    std::exception_ptr failure;
    try {
      co_await ask_one(hop, targets[i], connection.stream, limit);
    } catch (...) {
      failure = std::current_exception();
    }
    if (failure) rethrow_for(attempt, failure);
    tell(true, text("{} has connected to {}", hop.proxy.to_string(), shown_target(targets[i])));
  }
  std::vector<std::string> urls;
  for (const auto& hop : route.hops) urls.push_back(hop.proxy.to_string());
  connection.proxy =
      std::make_shared<ProxyFacts>(ProxyFacts{std::move(target), std::move(urls), route.to_string()});
}

}  // namespace sockx

// ProxyRoute: the proxies between us and a target, and the way through them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "net/proxy/proxy.hpp"
#include "net/stream/layers.hpp"

namespace sockx {

struct ProxyHop {
  Proxy proxy;
  Layer start_tls = {};  // of an https proxy
};

struct ProxyRoute {
  std::vector<ProxyHop> hops;     // none: the target is connected to directly
  std::optional<Duration> limit;  // for the answers of all proxies

  bool empty() const { return hops.empty(); }
  const Proxy& first() const { return hops.front().proxy; }
  /// "proxy 127.0.0.1:1080", "proxies 127.0.0.1:1080, 192.0.2.7:3128": of the first `count`.
  std::string to_string(std::size_t count) const;
  std::string to_string() const { return to_string(hops.size()); }
  /// "example.com:443 via proxy 127.0.0.1:1080"
  std::string name_of(const HostPort& target) const;
};

/// Of a connection through proxies.
struct ProxyFacts {
  HostPort target;
  std::vector<std::string> urls;  // of the proxies, without credentials
  std::string route;              // ProxyRoute::to_string()
};

/// What a connection leads to: the target behind a proxy, or else its peer.
std::string peer_name(const Connection& connection);

/// The target of a connection through proxies. Throws BadInput where it is no host and port, or one that the
/// last of them cannot be asked for.
HostPort target_behind(const ProxyRoute& route, const Endpoint& endpoint);

/// What each proxy is to be asked for, in the order of the hops.
using HopTargets = std::vector<HostPort>;
/// The ways to try one after the other, at least one: there are several if the last proxy is given addresses,
/// and the target has several. Looks up names where proxies take addresses only. Throws ResolveError,
/// TimedOut, BadInput.
Task<std::vector<HopTargets>> ways_through(ProxyRoute route, HostPort target, bool numeric,
                                           Deadline deadline);

/// Asks the proxies, from the first on, which `connection` has been made to, one for the next and the last
/// for the target. Then the stream is that of the target. `tell` learns what a proxy is asked for, and that
/// it has connected. Throws ProxyRefusal, ProxyError, TlsError, TimedOut, Error. Borrows the route and the
/// connection.
Task<> go_through(const ProxyRoute& route, const HopTargets& targets, HostPort target, Connection& connection,
                  const std::function<void(bool, const std::string&)>& tell, Deadline deadline);

}  // namespace sockx

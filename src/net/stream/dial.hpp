// dial(): connects to an endpoint.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "flow/event_loop.hpp"
#include "flow/task.hpp"
#include "net/address/endpoint.hpp"
#include "net/proxy/proxy_route.hpp"
#include "net/socket.hpp"
#include "net/stream/stream_options.hpp"

namespace sockx {

/// One attempt at one address, to be reported.
struct DialEvent {
  /// The last two: a proxy at the address is asked, and it has answered that it is connected.
  enum class Kind { trying, failed, connected, asking_proxy, asked_proxy } kind;
  Address address;
  int error = 0;            // the errno of connect(2), for failed, 0 when it was not reached
  std::string reason = {};  // for failed; of a proxy: what it is asked for, and has answered
  bool uses_mptcp = false;  // for connected, when it was asked for
};

struct DialOptions {
  StreamOptions stream;
  ProxyRoute route;                                         // to the endpoint
  Deadline deadline = never;                                // for all of it: look-up and every attempt
  Duration attempt_delay = std::chrono::milliseconds(250);  // RFC 8305, section 5
  std::vector<Address> addresses = {};  // of the endpoint, if they have been looked up already
  /// The client's connection for which this one is dialed: Connection::forwarded.
  std::shared_ptr<const ConnectionEnds> forwarded = {};
  std::function<void(const DialEvent&)> tell = [](const DialEvent&) {};
};

/// Resolves the endpoint and tries its addresses as RFC 8305 says: the families alternate, the next attempt
/// starts when one fails or after attempt_delay, and the first connection wins. An inherited socket is
/// adopted. Where the route has proxies, all this is done for the first of them, and then they are asked.
/// Then the layers of the options are applied. Throws Error (the first address's failure, when all fail),
/// ResolveError, TimedOut, BadInput, ProxyError, and what a layer does.
Task<Connection> dial(Endpoint endpoint, DialOptions options);

/// The addresses that dial() tries, at least one, in their order. Not for an inherited socket.
Task<std::vector<Address>> addresses_to_dial(Endpoint endpoint, StreamOptions options, Deadline deadline);

}  // namespace sockx

// dial_datagrams() and bind_datagrams(): the way to a datagram socket.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "flow/event_loop.hpp"
#include "flow/task.hpp"
#include "flow/watch.hpp"
#include "net/address/endpoint.hpp"
#include "net/datagram/datagrams.hpp"
#include "net/network_options.hpp"
#include "net/socket.hpp"
#include "net/stream/socket_file.hpp"

namespace sockx {

/// A group to belong to, on an interface or, without one, on that of the route.
struct Group {
  Address address;
  std::string interface;

  /// GROUP or GROUP%INTERFACE, an IPv4 or IPv6 address. Throws BadInput.
  static Group parse(const std::string& word);
};

struct MulticastOptions {
  std::vector<Group> groups;
  std::vector<Address> sources;  // the only senders to be heard, of each group of their family; empty: all
  std::optional<unsigned> ttl;   // how many routers may pass it on
  std::optional<bool> loop;      // whether this host receives what it sends
  std::string interface;         // where groups are sent to
};

struct DatagramOptions : NetworkOptions {
  bool udplite = false;       // UDP-Lite instead of UDP: udplite(7)
  bool broadcast = false;     // SO_BROADCAST
  bool tells_facts = false;   // of each datagram: what Datagram has beside bytes, size and source
  bool tells_time = false;    // of each datagram: when it arrived
  bool tells_user = false;    // of each datagram of a unix socket: who has sent it
  bool takes_trains = false;  // UDP_GRO
  MulticastOptions multicast;
  Deadline deadline = never;  // for the look-up of a name
};

/// A datagram socket, and where it sends to.
struct DatagramEnd {
  Socket socket;
  std::unique_ptr<SocketFile> file;  // of a unix socket
  Address local;
  std::optional<Address> peer;  // of a socket that dials
  bool is_connected = false;    // to the peer: it receives from no other. Not for a group or broadcast.
  /// It is bound to every address, and the kernel was asked to tell which one a datagram was sent to: an
  /// answer comes from there.
  bool answers_as_addressed = false;
};

/// An end while a loop works with it: what messages and calls need to know of the socket, and its readiness.
struct WatchedDatagramEnd : DatagramEnd {
  WatchedDatagramEnd(EventLoop& loop, DatagramEnd end)
      : DatagramEnd(std::move(end)),
        facts(socket.described(shown_address(peer.value_or(local)))),
        watch(loop, socket.fd()) {}
  Descriptor facts;
  Watch watch;
};

/// Resolves the endpoint and opens a socket for its first address that has a route. A unicast address is
/// connected to, so that the kernel reports a refusal. A group or broadcast address is not, because other
/// addresses answer. A unix socket without a source is bound to a name, so that it can be answered.
/// Throws Error, ResolveError, TimedOut, BadInput.
Task<DatagramEnd> dial_datagrams(Endpoint endpoint, DatagramOptions options);

/// Binds a socket to receive on: without a host one for both families, or IPv4 alone where there is
/// no IPv6; in the groups that are asked for. Throws Error with Origin::local_address, ResolveError,
/// BadInput.
Task<DatagramEnd> bind_datagrams(Endpoint endpoint, DatagramOptions options);

/// Makes the socket's queues as large as we may, but never smaller, unless `settings` say how large.
void enlarge_queues(const Socket& socket, const std::vector<OptionSetting>& settings);

/// The options of each datagram's facts, the errors that come back, and the count of those dropped. What the
/// kernel does not have is left out.
void ask_for_facts(const Socket& socket, int family, const DatagramOptions& options);

}  // namespace sockx

// SessionRouter: gives each connection to the verified transfer that it belongs to.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "flow/event_loop.hpp"
#include "flow/notification.hpp"
#include "net/stream/connection.hpp"
#include "transfer/verified/receiver.hpp"

namespace sockx {

struct SessionRouterOptions {
  std::optional<std::uint64_t> most = {};  // transfers at once
  bool rejects = false;                    // one too many does not wait
  SettingNames names = {};
  std::function<void(const std::string&)> inform = [](const std::string&) {};
  std::function<void(const std::string&)> warn = [](const std::string&) {};
};

/// Connections wait here:
///  - each for its Hello, 10 s at most;
///  - the first one of a transfer for a place, 5 s at most; descriptors and memory limit their number;
///  - a further one until its session takes it, within the same 10 s.
/// One that waits too long is dropped. If too many wait, the oldest that has waited for 1 s is dropped: first
/// those without a Hello or a session, then those that wait for a place.
class SessionRouter {
 public:
  SessionRouter(EventLoop& loop, SessionRouterOptions options);

  /// Waits until there is room for another waiting connection, about 1 s at most. To be called before
  /// accepting it.
  Task<> wait_for_room();
  /// The number of connections of the transfer that `connection` begins; 1 if it does not begin with a Hello.
  /// Nothing if it was a further connection of a session, or is to be dropped.
  Task<std::optional<unsigned>> route(Connection& connection);
  /// A place for a transfer with this many connections, which is free again when it is dropped; null when
  /// none is free within 5 s, half of what a sender waits.
  Task<std::shared_ptr<void>> reserve_place(unsigned streams);
  /// Gives no more places. Returns when no session waits in next_connection_of().
  Task<> finish();
  /// The next connection of `session`. Throws TimedOut with `too_late`.
  Task<Connection> next_connection_of(SessionId session, Deadline deadline, std::string too_late);

 private:
  struct Pending {
    SessionId session;
    Connection connection;
    bool is_taken = false;
  };
  class WaitingConnection;
  Task<> peek(Connection& connection, Deadline limit, std::optional<Hello>& hello) const;
  void displace_oldest();
  bool has_place(std::size_t size) const;

  SessionRouterOptions options_;
  Notification changed_;
  std::list<Pending> pending_;
  std::size_t most_waiting_, waiting_ = 0;  // connections that wait here
  std::list<WaitingConnection*> unclaimed_,
      admitted_;             // without a session; waiting for a place
  std::size_t room_, free_;  // in descriptors, for transfers
  std::uint64_t transfers_ = 0;
  unsigned awaited_ = 0;  // calls of next_connection_of()
  bool is_finishing_ = false;
};

}  // namespace sockx

// SessionRouter: brings connections to the verified transfers that they belong to.
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

/// Connections wait here: each for its Hello; then a further one until its session takes it, and the first
/// one of a transfer for a place. There are as many places as the limits of descriptors and memory allow. A
/// connection that is not taken in time is dropped. While more wait than there is room for, those that have
/// waited for 1 s give way, the oldest first, and before all others those that have not greeted or belong to
/// no session.
class SessionRouter {
 public:
  SessionRouter(EventLoop& loop, SessionRouterOptions options);

  /// Until not too many wait here, about 1 s at most: before the next connection is accepted.
  Task<> wait_for_room();
  /// Nothing when `connection` has been taken, as a further one of some session, or is to be dropped, as it
  /// has not greeted within 10 s, or has given way. Else, which leaves it as it is, how many connections the
  /// transfer has that it begins: one, when it begins with something else.
  Task<std::optional<unsigned>> streams_of_new_transfer(Connection& connection);
  /// A place for a transfer with this many connections, which is free again when it is dropped; null when
  /// none is free within 5 s, half of what a sender waits.
  Task<std::shared_ptr<void>> place(unsigned streams);
  /// Gives no more places, and returns when no session waits in next().
  Task<> finish();
  /// The next one of `session`. Throws TimedOut with `too_late`.
  Task<Connection> next(SessionId session, Deadline deadline, std::string too_late);

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
      admitted_;             // those that have no session, and those that wait for a place
  std::size_t room_, free_;  // in descriptors, for transfers
  std::uint64_t transfers_ = 0;
  unsigned awaited_ = 0;  // calls of next()
  bool is_finishing_ = false;
};

}  // namespace sockx

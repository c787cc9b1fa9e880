// Service: what a server does with the connections that it accepts.
#pragma once

#include <cstdint>
#include <memory>

#include "flow/event_loop.hpp"
#include "net/stream/connection.hpp"

namespace sockx {

class Server;

/// One of the places that a server has for connections.
struct Seat {
  std::uint64_t number = 0;          // of the server's connections, from 1
  std::shared_ptr<void> place = {};  // counted by ServerOptions::most; free once it has no owner
};

class Service {
 public:
  virtual ~Service() = default;
  /// Serves a connection to which the server's layers have been applied. It reports a failure itself: beside
  /// other connections, what it throws goes no further.
  virtual Task<> serve(Connection connection, Seat seat) = 0;
  /// Work beside the connections. The server stops when it ends: the connections that are left may still end
  /// by themselves. What it throws ends the server. By default it does nothing and never ends.
  virtual Task<> run(Server&) { return sleep_until(never); }
  /// Until the server may accept another connection.
  virtual Task<> ready_for_next() { co_return; }
  /// Called when the server is to stop: until it may close its listeners. By default at once.
  virtual Task<> ready_to_stop() { co_return; }
  /// While this is set, a connection waits for a place.
  virtual void set_crowded(bool) {}
  /// The server ends. Connections that are left are dropped next.
  virtual void end() {}
};

}  // namespace sockx

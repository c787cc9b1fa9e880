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
  std::shared_ptr<void> place = {};  // what ServerOptions::most counts; free once nobody owns it
};

class Service {
 public:
  virtual ~Service() = default;
  /// Serves a connection to which the server's layers have been applied. It reports a failure itself: beside
  /// other connections, what it throws goes no further.
  virtual Task<> serve(Connection connection, Seat seat) = 0;
  /// Works beside the connections until the server is to stop: those that are left may still come to their
  /// ends. What it throws ends the server. By default it has nothing to do and never ends.
  virtual Task<> run(Server&) { return sleep_until(never); }
  /// Until the server may accept another connection.
  virtual Task<> ready_for_next() { co_return; }
  /// The server is to stop: until it may close its listeners. By default at once.
  virtual Task<> ready_to_stop() { co_return; }
  /// While this is set, a connection waits that has no place.
  virtual void set_crowded(bool) {}
  /// The server has come to its own end. Connections that are left are dropped next.
  virtual void end() {}
};

}  // namespace sockx

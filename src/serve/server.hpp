// Server: accepts connections, decides which of them are served, and gives each a seat.
#pragma once

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/non_copyable.hpp"
#include "base/on_exit.hpp"
#include "flow/task_group.hpp"
#include "net/stream/listen.hpp"
#include "os/descriptor_limit.hpp"
#include "serve/service.hpp"

namespace sockx {

struct Client;

/// An event of a server.
struct ServerEvent {
  enum class Kind {
    accepted,
    closed,
    refused,   // accepted and closed at once: denied, too many connections, or it could not be served
    shortage,  // descriptors or memory have run out: new connections wait
    draining,  // no more connections are accepted; those that are left may end
  };
  Kind kind;
  std::string_view reason = {};    // of an end, a refusal or a shortage
  bool is_complete = false;        // the conversation came to its own end; else it failed or was cut off
  bool is_by_rule = false;         // the refusal follows a rule of the user; else something has failed
  const Client* client = nullptr;  // where one is accepted or closed
  std::string_view peer = {};      // where one is refused
  std::size_t connections = 0;     // that are being served
};

/// Does not throw: it is called from destructors too.
using TellServerEvent = std::function<void(const ServerEvent&)>;

/// Why a connection is not served.
struct Refusal {
  std::string reason;
  bool is_by_rule = false;  // as in ServerEvent
};

struct ServerOptions {
  std::size_t most = std::numeric_limits<std::size_t>::max();  // connections at once
  bool rejects = false;                   // a connection beyond `most` is closed at once, and does not wait
  std::size_t reserved = 0;               // descriptors that a connection needs at once: else it waits
  bool waits_at_shortage = true;          // else run() fails when descriptors have run out
  std::optional<Duration> drain_timeout;  // for the connections that are left, after drain()
  Duration grace = std::chrono::seconds(5);  // for them, after the end of Service::run()
  /// Why a connection is not served, or nothing.
  std::function<std::optional<std::string>(const Connection&)> reason_to_refuse = [](const Connection&) {
    return std::nullopt;
  };
  /// Asked in the task of each connection, if it is set, before the layers: it may read from the connection.
  std::function<Task<std::optional<Refusal>>(Connection&, Deadline)> admission;
  Layers layers;              // of each connection that is admitted, before it is served
  Deadline deadline = never;  // of these two, which have time_for_layers at the most each
  TellServerEvent tell = [](const ServerEvent&) {};
};

/// The connections that wait for a place, at any of a server's listeners.
class WaitingConnections {
 public:
  explicit WaitingConnections(Service& service) : service_(service) {}

  /// A connection waits as long as the result lives, and the service is told so.
  auto add() {
    change(+1);
    return OnExit([this] { change(-1); });
  }

 private:
  /// The service is told again when others still wait: one client may have made room already.
  void change(int by) {
    waiting_ += by;
    service_.set_crowded(waiting_ > 0);
  }

  Service& service_;
  int waiting_ = 0;
};

/// Accepts from its listeners and serves all connections side by side. The failure of one does not affect the
/// others. When descriptors run out, new connections wait in the kernel's queue until one ends.
///
/// A connection is admitted in two stages: by its address and the room that there is, when it is accepted;
/// then, in a task of its own, by ServerOptions::admission and the layers.
class Server : NonCopyable {
 public:
  Server(EventLoop& loop, std::vector<Listener> listeners, Service& service, ServerOptions options);

  /// Until Service::run() has ended or, after drain(), all connections have, and for drain_timeout at most.
  /// Throws what Service::run() throws.
  Task<> run();
  /// Throws TimedOut after `limit` without a new connection while none was being served. Otherwise never
  /// ends.
  Task<> watch_for_quiet(Duration limit);
  /// Serves the first connection that comes until `deadline` and is not refused, and no other. Throws its
  /// failure, and TimedOut.
  Task<> run_once(Deadline deadline);
  /// Serves an existing connection, and no other. Throws its failure; false when it has been refused.
  Task<bool> run_with(Connection connection);
  /// Closes the listeners. The connections that are left have drain_timeout to end.
  void drain();
  /// Closes the listeners, and returns when they are closed. run() goes on.
  Task<> stop_accepting();
  /// Drops the connection with this number, which run() serves. Its own task must not call this.
  void drop(std::uint64_t number);

 private:
  /// Counts what `most` bounds. A place may outlive its connection, where other work goes on for it, and the
  /// server.
  struct Places {
    explicit Places(EventLoop& loop) : freed(loop) {}
    std::size_t taken = 0;
    Notification freed;
  };

  Task<> accept_until_stopped();
  Task<> accept_from(Listener& listener);
  Task<> wait_for_last(Deadline deadline);
  Task<> wait_for_stop();
  Task<> wait_for_place();
  bool is_full() const { return places_->taken >= options_.most; }
  Seat next_seat();
  void admit(Connection connection, bool has_room);
  void refuse(const Connection& connection, std::string_view reason, bool is_by_rule);
  /// Descriptors that are kept to accept a connection and close it.
  std::size_t kept_to_reject() const { return options_.rejects ? 1 : 0; }
  bool fill_reserve(const Listener& listener);
  std::optional<Connection> accept_unless_short(Listener& listener, bool may_accept);
  void note_shortage(const Listener& listener, const Error& error);
  Task<> serve_beside_others(Connection connection, Seat seat);
  Task<bool> is_admitted(Connection& connection);
  Deadline limit_of_layers() const { return std::min(options_.deadline, after(time_for_layers)); }
  Task<> serve_alone(Connection connection);

  EventLoop& loop_;
  std::vector<Listener> listeners_;
  Service& service_;
  WaitingConnections waiting_;
  ServerOptions options_;
  std::map<std::uint64_t, TaskGroup::Child*> served_;  // by number; null until the task has been spawned
  std::uint64_t accepted_ = 0;
  unsigned held_back_ = 0;                        // listeners at which a connection waits to be accepted
  std::optional<std::size_t> served_when_short_;  // while there is a shortage
  bool is_draining_ = false;
  Deadline drained_by_ = never;
  DescriptorReserve reserve_;
  std::shared_ptr<Places> places_;
  Notification left_, stop_asked_, stopped_;
  TaskGroup tasks_;  // destroyed first
};

}  // namespace sockx

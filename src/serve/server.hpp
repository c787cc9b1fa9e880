// Server: accepts connections, decides which of them are served, and gives each a seat.
#pragma once

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

/// What a server has to tell.
struct ServerEvent {
  enum class Kind {
    accepted,
    closed,
    refused,   // accepted and closed at once: denied, one too many, or it could not be served
    shortage,  // descriptors or memory have run out: who comes now waits
    draining,  // nobody else is accepted; those that are there come to their ends
  };
  Kind kind;
  std::string_view reason = {};    // of an end, a refusal or a shortage
  bool is_complete = false;        // the conversation came to its own end; else it failed or was cut off
  bool is_by_rule = false;         // a refusal that was asked for; else something has failed
  const Client* client = nullptr;  // where one is accepted or closed
  std::string_view peer = {};      // where one is refused
  std::size_t connections = 0;     // those that there are
};

/// Does not throw: it is called from destructors too.
using TellServerEvent = std::function<void(const ServerEvent&)>;

struct ServerOptions {
  std::size_t most = std::numeric_limits<std::size_t>::max();  // connections at once
  bool rejects = false;           // one too many is closed at once, and does not wait
  std::size_t reserved = 0;       // descriptors that a connection needs at once: else it waits
  bool waits_at_shortage = true;  // else run() fails when descriptors have run out
  /// How long connections may go on after drain(), and after the service's own work has ended.
  std::optional<Duration> drain_timeout;
  Duration grace = std::chrono::seconds(5);
  /// Why a connection is not served, or nothing.
  std::function<std::optional<std::string>(const Connection&)> objection_to = [](const Connection&) {
    return std::nullopt;
  };
  Layers layers;  // of each connection, before it is served
  TellServerEvent tell = [](const ServerEvent&) {};
};

/// The connections that wait for a place, at any of a server's listeners.
class Crowd {
 public:
  explicit Crowd(Service& service) : service_(service) {}

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

/// Accepts from its listeners and serves all connections beside each other. The failure of one is never
/// another's. When descriptors run out, new connections wait in the kernel's queue until one ends.
///
/// A connection is admitted in two stages: by its address and the room that there is, when it is accepted;
/// then, in a task of its own, by the layers.
class Server : NonCopyable {
 public:
  Server(EventLoop& loop, std::vector<Listener> listeners, Service& service, ServerOptions options);

  /// Until the service's own work has ended or, after drain(), all connections have; neither goes on beyond
  /// drain_timeout. Throws what the service's own work does.
  Task<> run();
  /// Throws TimedOut when nobody has connected for `limit` while nobody was being served; else never ends.
  Task<> watch_for_quiet(Duration limit);
  /// Serves the first that comes until `deadline` and is not refused, and nobody else. Throws what befalls
  /// it, and TimedOut.
  Task<> run_once(Deadline deadline);
  /// Serves a connection that is there already, and nobody else. Throws what befalls it; false when it has
  /// been refused.
  Task<bool> run_with(Connection connection);
  /// Closes the listeners, so that nobody else is served. The connections that are left have drain_timeout to
  /// come to their ends.
  void drain();
  /// Closes the listeners, and returns when they are closed. run() goes on.
  Task<> stop_accepting();
  /// Drops the connection with this number, which run() serves. Not for its own task to call.
  void drop(std::uint64_t number);

 private:
  /// What `most` bounds. A place may outlive its connection, where something else is still at work for it,
  /// and the server.
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
  bool fill_reserve(const Listener& listener);
  std::optional<Connection> accept_unless_short(Listener& listener, bool may_accept);
  void note_shortage(const Listener& listener, const Error& error);
  Task<> serve_beside_others(Connection connection, Seat seat);
  Task<> serve_alone(Connection connection);

  EventLoop& loop_;
  std::vector<Listener> listeners_;
  Service& service_;
  Crowd crowd_;
  ServerOptions options_;
  std::map<std::uint64_t, TaskGroup::Child*> served_;  // by number; null until the task has been spawned
  std::uint64_t accepted_ = 0;
  unsigned held_back_ = 0;                        // listeners at which a connection waits for us
  std::optional<std::size_t> served_when_short_;  // while there is a shortage
  bool is_draining_ = false;
  Deadline drained_by_ = never;
  DescriptorReserve reserve_;
  std::shared_ptr<Places> places_;
  Notification left_, stop_asked_, stopped_;
  TaskGroup tasks_;  // goes first
};

}  // namespace sockx

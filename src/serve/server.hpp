// Server: many clients at once, each with its own end.
#pragma once

#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "flow/pumping.hpp"
#include "flow/task_group.hpp"
#include "net/listen.hpp"
#include "serve/crowd.hpp"
#include "serve/handler.hpp"

namespace sockx {

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

struct ServerOptions {
  std::size_t most = std::numeric_limits<std::size_t>::max();  // connections at once
  bool rejects = false;                   // one too many is closed at once, and does not wait
  std::optional<Duration> idle_timeout;   // no byte in either direction
  std::optional<Duration> drain_timeout;  // for those that are left once the server is to stop
  /// Asked when clients are left at the end: whether a signal has ended the server, and no failure or limit.
  std::function<bool()> ends_by_signal = [] { return false; };
  /// Why a client is not served, or nothing.
  std::function<std::optional<std::string>(const Connection&)> refuses = [](const Connection&) {
    return std::nullopt;
  };
  Layers layers;  // of each connection, before it is served
  /// Does not throw: it is called from destructors too.
  std::function<void(const ServerEvent&)> tell = [](const ServerEvent&) {};
};

/// Accepts from its listeners and serves all clients beside each other. The failure of one is never
/// another's. When descriptors run out, new connections wait in the kernel's queue until one ends.
class Server {
 public:
  Server(EventLoop& loop, std::vector<Listener> listeners, Handler& handler, ServerOptions options);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Until the handler's own work has ended or, after drain(), all clients have; neither goes on beyond
  /// drain_timeout. Throws what the handler's own work does.
  Task<> run();
  /// Throws TimedOut when nobody has connected for `limit` while nobody was being served; else never ends.
  Task<> watch_for_quiet(Duration limit);
  /// Serves the first that comes until `deadline` and is not refused, and nobody else. Throws what befalls
  /// it, and TimedOut.
  Task<> run_once(Deadline deadline);
  /// Serves a connection that is there already, unless it is refused, and nobody else. Throws what befalls
  /// it.
  Task<> run_with(Connection connection);
  /// Closes the listeners, so that nobody else is served.
  void drain() { drain_asked_.notify(); }

 private:
  class Sitting;
  struct Seat {
    Client* client;
    TaskGroup::Child* task = nullptr;
    std::optional<Idleness> idleness = {};  // once it has been looked at
  };
  /// What `most` bounds. A place outlives its connection where something else is still at work for it, and
  /// may outlive the server.
  struct Places {
    explicit Places(EventLoop& loop) : freed(loop) {}
    std::size_t taken = 0;
    Notification freed;
  };

  Task<> serve_alone(Connection connection);
  Task<> accept_until_drained();
  Task<> accept_from(Listener& listener);
  Task<> wait_for_drain();
  Task<> wait_for_last_clients(Deadline deadline);
  Task<> wait_for_place(Listener& listener);
  bool is_full() const { return places_->taken >= options_.most; }
  std::shared_ptr<void> take_place();
  Task<> end_idle_clients(Duration limit);
  void admit(Connection connection);
  void refuse(const Connection& connection, std::string_view reason, bool is_by_rule);
  bool is_idle(Seat& seat, Duration limit) const;
  void cut_off(Client& client) const;
  void keep_spare();
  void note_shortage(std::string_view reason);
  Task<> serve_beside_others(Connection connection, std::uint64_t number);
  Task<> serve(Client& client);

  EventLoop& loop_;
  std::vector<Listener> listeners_;
  Handler& handler_;
  Crowd crowd_;
  ServerOptions options_;
  std::map<std::uint64_t, Seat> seats_;
  std::uint64_t accepted_ = 0;
  bool is_short_ = false, has_ended_ = false;
  Deadline drained_by_ = never;
  UniqueFd spare_;  // where the server rejects
  std::shared_ptr<Places> places_;
  Notification came_, left_, drain_asked_;
  TaskGroup clients_;  // goes first
};

}  // namespace sockx

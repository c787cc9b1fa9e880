// HandlerService: the connections of a server that a Handler serves, with an event at the beginning and end
// of each.
#pragma once

#include <functional>
#include <map>
#include <optional>

#include "flow/idle_timeout.hpp"
#include "serve/handler.hpp"
#include "serve/server.hpp"

namespace sockx {

struct HandlerServiceOptions {
  bool is_one = false;                   // there is one client, whose failure is the run's
  std::optional<Duration> idle_timeout;  // no byte in either direction
  /// Asked when clients are left at the end: whether a signal has ended the server, and no failure or limit.
  std::function<bool()> ends_by_signal = [] { return false; };
  TellServerEvent tell = [](const ServerEvent&) {};
};

class HandlerService final : public Service {
 public:
  /// `handler` outlives this.
  HandlerService(EventLoop& loop, Handler& handler, HandlerServiceOptions options)
      : loop_(loop), handler_(handler), options_(std::move(options)), came_(loop) {
    handler_.begin(loop_);
  }

  Task<> serve(Connection connection, Seat seat) override;
  /// The handler's own work, and the end of clients that are idle.
  Task<> run(Server& server) override;
  void set_crowded(bool crowded) override { handler_.set_crowded(crowded); }
  void end() override { has_ended_ = true; }

 private:
  struct Entry {
    Client* client;
    std::optional<Idleness> idleness = {};  // once it has been looked at
  };
  Task<> end_idle_clients(Server& server, Duration limit);
  bool is_idle(Entry& entry, Duration limit) const;
  void cut_off(Client& client) const;

  EventLoop& loop_;
  Handler& handler_;
  HandlerServiceOptions options_;
  std::map<std::uint64_t, Entry> entries_;
  bool has_ended_ = false;
  Notification came_;
};

}  // namespace sockx

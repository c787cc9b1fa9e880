#include "serve/server.hpp"

#include "os/error.hpp"
#include "os/substitutes.hpp"
#include "os/text.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

constexpr Duration usual_grace = 5s;    // for clients to end once the handler's own work has
constexpr unsigned most_in_a_row = 64;  // connections accepted before others have their turn

Task<> wait_for(Notification& notification) { co_await notification.wait(); }

}  // namespace

/// A client's time with the server: told at its beginning and, however it comes, at its end.
class Server::Sitting {
 public:
  Sitting(Server& server, Client& client) : server_(server), client_(client) {
    client_.place = server_.take_place();
    server_.seats_.emplace(client.number, Seat{&client});
    server_.came_.notify();
    tell(ServerEvent::Kind::accepted, "");
  }
  Sitting(const Sitting&) = delete;
  Sitting& operator=(const Sitting&) = delete;
  ~Sitting() {
    if (!has_ended_) server_.cut_off(client_);
    server_.seats_.erase(client_.number);
    server_.left_.notify();
    tell(ServerEvent::Kind::closed, client_.ending);
  }

  void complete() {
    client_.ending = "complete";
    client_.cut.complete();
    has_ended_ = is_complete_ = true;
  }
  void fail(const std::string& reason) {
    client_.ending = reason;
    has_ended_ = true;
  }

 private:
  void tell(ServerEvent::Kind kind, std::string_view reason) const {
    server_.options_.tell({.kind = kind,
                           .reason = reason,
                           .is_complete = is_complete_,
                           .client = &client_,
                           .connections = server_.seats_.size()});
  }

  Server& server_;
  Client& client_;
  bool has_ended_ = false, is_complete_ = false;
};

Server::Server(EventLoop& loop, std::vector<Listener> listeners, Handler& handler, ServerOptions options)
    : loop_(loop),
      listeners_(std::move(listeners)),
      handler_(handler),
      crowd_(handler),
      options_(std::move(options)),
      places_(std::make_shared<Places>(loop)),
      came_(loop),
      left_(loop),
      drain_asked_(loop),
      clients_(loop) {
  keep_spare();
}

Task<> Server::run() {
  std::vector<Task<>> tasks;
  if (options_.idle_timeout) tasks.push_back(end_idle_clients(*options_.idle_timeout));
  tasks.push_back(handler_.attend());
  tasks.push_back(accept_until_drained());
  co_await any(std::move(tasks));
  listeners_.clear();
  co_await wait_for_last_clients(std::min(drained_by_, after(options_.drain_timeout.value_or(usual_grace))));
  has_ended_ = true;
}

/// A client that is left when the server ends, or has been idle for too long. It meets a reset unless our
/// half has ended before: then only a failure takes that back. A signal is an end for those that have
/// everything.
void Server::cut_off(Client& client) const {
  if (!options_.ends_by_signal()) {
    if (!has_ended_) client.cut.fail();
  } else if (client.cut.has_caught_up() && handler_.is_silent()) {
    client.cut.complete();
  }
}

Task<> Server::watch_for_quiet(Duration limit) {
  const auto where = listeners_.front().address().to_string();
  for (;;) {
    const auto before = accepted_;
    co_await loop_.sleep_until(after(std::max<Duration>(limit, 1ms)));
    while (!seats_.empty()) {
      co_await left_.wait();
    }
    if (accepted_ == before) throw TimedOut(text("accept {}: timed out", where));
  }
}

Task<> Server::run_once(Deadline deadline) {
  for (;;) {
    auto connection = co_await accept(listeners_.front(), deadline);
    if (const auto reason = options_.refuses(connection)) {
      refuse(connection, *reason, true);
      continue;
    }
    listeners_.clear();
    co_await serve_alone(std::move(connection));
    co_return;
  }
}

Task<> Server::run_with(Connection connection) {
  if (const auto reason = options_.refuses(connection)) {
    refuse(connection, *reason, true);
    co_return;
  }
  co_await serve_alone(std::move(connection));
}

Task<> Server::serve_alone(Connection connection) {
  Client client(loop_, ++accepted_, std::move(connection));
  Sitting sitting(*this, client);
  std::vector<Task<>> tasks;
  if (options_.idle_timeout)
    tasks.push_back(watch_for_idleness(*options_.idle_timeout, client.tally.last_byte, client.stream()));
  tasks.push_back(serve(client));
  try {
    co_await any(std::move(tasks));
  } catch (const TimedOut&) {
    throw;
  } catch (const std::exception& error) {
    sitting.fail(error.what());
    throw;
  }
  sitting.complete();
}

Task<> Server::accept_until_drained() {
  std::vector<Task<>> tasks;
  tasks.push_back(wait_for_drain());
  for (auto& listener : listeners_) tasks.push_back(accept_from(listener));
  co_await any(std::move(tasks));
  listeners_.clear();
  options_.tell({.kind = ServerEvent::Kind::draining, .connections = seats_.size()});
  if (options_.drain_timeout) drained_by_ = after(*options_.drain_timeout);
  co_await wait_for_last_clients(drained_by_);
}

Task<> Server::wait_for_drain() { co_await drain_asked_.wait(); }

Task<> Server::wait_for_last_clients(Deadline deadline) {
  for (bool in_time = true; in_time && !seats_.empty();) {
    in_time = co_await left_.wait(deadline);
  }
}

Task<> Server::accept_from(Listener& listener) {
  for (unsigned count = 1;; ++count) {
    co_await wait_for_place(listener);
    std::optional<Connection> accepted;
    try {
      accepted.emplace(co_await accept(listener));
    } catch (const Error& error) {
      if (!is_shortage(error)) throw;
      note_shortage(error.what());
    }
    if (accepted) {
      admit(std::move(*accepted));
      accepted.reset();
      keep_spare();
    } else if (spare_) {
      spare_.reset();  // there is room for one now, who is turned away
    } else {
      const Crowd::Waiting waiting(crowd_);
      co_await places_->freed.wait(after(100ms));
    }
    if (count % most_in_a_row == 0) co_await loop_.next_turn();
  }
}

Task<> Server::wait_for_place(Listener& listener) {
  while (!options_.rejects && is_full()) {
    if (listener.has_waiting()) {
      const Crowd::Waiting waiting(crowd_);
      co_await places_->freed.wait();
    } else {
      std::vector<Task<>> tasks;
      tasks.push_back(wait_for(places_->freed));
      tasks.push_back(wait_for_connection(listener));
      co_await any(std::move(tasks));
    }
  }
}

std::shared_ptr<void> Server::take_place() {
  ++places_->taken;
  const auto give_back = [places = places_](void*) {
    --places->taken;
    places->freed.notify();
  };
  return {places_.get(), give_back};
}

void Server::admit(Connection connection) {
  if (spare_ || !options_.rejects) is_short_ = false;
  if (is_full())
    return refuse(connection,
                  text("there {} {} already", places_->taken == 1 ? "is" : "are",
                       counted(places_->taken, "connection")),
                  true);
  if (options_.rejects && !spare_) return refuse(connection, "descriptors have run out", false);
  if (const auto reason = options_.refuses(connection)) return refuse(connection, *reason, true);
  const auto number = ++accepted_;
  auto& task = clients_.spawn(serve_beside_others(std::move(connection), number));
  const auto seat = seats_.find(number);
  if (seat != seats_.end()) seat->second.task = &task;
}

void Server::refuse(const Connection& connection, std::string_view reason, bool is_by_rule) {
  options_.tell({.kind = ServerEvent::Kind::refused,
                 .reason = reason,
                 .is_by_rule = is_by_rule,
                 .peer = connection.name(),
                 .connections = seats_.size()});
}

/// A descriptor in reserve, given up to turn somebody away when there is none for him.
void Server::keep_spare() {
  if (!options_.rejects || spare_) return;
  try {
    spare_ = open_null_device();
  } catch (const Error&) {
    is_short_ = true;  // another connection will end
  }
}

/// Once, until there is room again.
void Server::note_shortage(std::string_view reason) {
  if (std::exchange(is_short_, true)) return;
  options_.tell({.kind = ServerEvent::Kind::shortage, .reason = reason, .connections = seats_.size()});
}

Task<> Server::serve_beside_others(Connection connection, std::uint64_t number) {
  Client client(loop_, number, std::move(connection));
  Sitting sitting(*this, client);
  try {
    co_await serve(client);
    sitting.complete();
  } catch (const std::exception& error) {
    sitting.fail(error.what());
  }
}

Task<> Server::serve(Client& client) {
  co_await apply_layers(options_.layers, client.connection, after(time_for_layers));
  co_await handler_.serve(client);
}

Task<> Server::end_idle_clients(Duration limit) {
  const auto reason =
      text("no byte in either direction for {:g} s", std::chrono::duration<double>(limit).count());
  for (;;) {
    while (seats_.empty()) {
      co_await came_.wait();
    }
    std::vector<Seat> idle;
    auto next = after(Idleness::usual_pause(limit));  // others may have come until then
    for (auto& [number, seat] : seats_) {
      if (is_idle(seat, limit))
        idle.push_back(seat);
      else
        next = std::min(next, seat.idleness->next_look());
    }
    for (const auto& seat : idle) {
      seat.client->ending = reason;
      seat.client->cut.fail();
      clients_.cancel(*seat.task);
    }
    co_await loop_.sleep_until(next);
  }
}

/// Looks at the client if that is due.
bool Server::is_idle(Seat& seat, Duration limit) const {
  const auto& client = *seat.client;
  const auto waiting = [&] { return unacknowledged(client.stream().facts()).value_or(0); };
  if (!seat.idleness)
    seat.idleness.emplace(limit, Idleness::usual_pause(limit), client.tally.last_byte, waiting());
  const auto now = loop_.now();
  return now >= seat.idleness->next_look() && seat.idleness->look(now, client.tally.last_byte, waiting());
}

}  // namespace sockx

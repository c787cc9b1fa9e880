#include "serve/server.hpp"

#include "base/error.hpp"
#include "base/text.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

constexpr unsigned most_in_a_row = 64;  // connections accepted before others have their turn

Task<> wait_for(Notification& notification) { co_await notification.wait(); }

}  // namespace

/// A connection counts as served while this lives.
class Server::Presence {
 public:
  Presence(Server& server, std::uint64_t number) : server_(server), number_(number) {
    server_.served_.emplace(number, nullptr);
  }
  Presence(const Presence&) = delete;
  Presence& operator=(const Presence&) = delete;
  ~Presence() {
    server_.served_.erase(number_);
    server_.left_.notify();
  }

 private:
  Server& server_;
  std::uint64_t number_;
};

Server::Server(EventLoop& loop, std::vector<Listener> listeners, Service& service, ServerOptions options)
    : loop_(loop),
      listeners_(std::move(listeners)),
      service_(service),
      crowd_(service),
      options_(std::move(options)),
      reserve_(std::max<std::size_t>(options_.reserved, options_.rejects ? 1 : 0)),
      places_(std::make_shared<Places>(loop)),
      left_(loop),
      stop_asked_(loop),
      stopped_(loop),
      tasks_(loop) {}

Task<> Server::run() {
  std::vector<Task<>> tasks;
  tasks.push_back(service_.attend(*this));
  tasks.push_back(accept_until_stopped());
  co_await any(std::move(tasks));
  listeners_.clear();
  co_await wait_for_last(std::min(drained_by_, after(options_.drain_timeout.value_or(options_.grace))));
  service_.end();
}

Task<> Server::watch_for_quiet(Duration limit) {
  const auto where = listeners_.front().address().to_string();
  for (;;) {
    const auto before = accepted_;
    co_await loop_.sleep_until(after(std::max<Duration>(limit, 1ms)));
    const bool is_quiet = accepted_ == before && served_.empty() && held_back_ == 0;
    if (is_quiet) throw TimedOut(text("accept {}: timed out", where));
    co_await wait_for_last(never);
  }
}

Task<> Server::run_once(Deadline deadline) {
  co_await service_.ready_for_next();
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
  co_await apply_layers(options_.layers, connection, after(time_for_layers));
  auto seat = next_seat();
  co_await service_.serve(std::move(connection), std::move(seat));
}

void Server::drop(std::uint64_t number) {
  const auto task = served_.find(number);
  if (task != served_.end()) tasks_.cancel(*task->second);
}

Task<> Server::accept_until_stopped() {
  std::vector<Task<>> tasks;
  tasks.push_back(wait_for(stop_asked_));
  for (auto& listener : listeners_) tasks.push_back(accept_from(listener));
  co_await any(std::move(tasks));
  listeners_.clear();
  stopped_.notify();
  if (is_draining_) options_.tell({.kind = ServerEvent::Kind::draining, .connections = served_.size()});
  if (is_draining_ && options_.drain_timeout) drained_by_ = after(*options_.drain_timeout);
  co_await wait_for_last(drained_by_);
}

Task<> Server::stop_accepting() {
  stop_asked_.notify();
  while (!listeners_.empty()) {
    co_await stopped_.wait();
  }
}

Task<> Server::wait_for_last(Deadline deadline) {
  for (bool in_time = true; in_time && !served_.empty();) {
    in_time = co_await left_.wait(deadline);
  }
}

Task<> Server::accept_from(Listener& listener) {
  for (unsigned count = 1;; ++count) {
    co_await wait_for_place(listener);
    ++held_back_;
    co_await service_.ready_for_next();
    --held_back_;
    std::optional<Connection> accepted;
    try {
      if (!options_.rejects) reserve_.fill();
      accepted.emplace(co_await accept(listener));
    } catch (const Error& error) {
      if (!is_shortage(error)) throw;
      if (!reserve_.is_empty() && options_.rejects) {
        reserve_.give_up();  // there is room for one now, who is turned away
        continue;
      }
      note_shortage(text("accept {}: {}", listener.address().to_string(), error.code().message()));
    }
    if (accepted) {
      admit(std::move(*accepted));
    } else {
      const Crowd::Waiting waiting(crowd_);
      co_await places_->freed.wait(after(100ms));
    }
    if (count % most_in_a_row == 0) {
      co_await loop_.next_turn();
    }
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

Seat Server::next_seat() {
  ++places_->taken;
  const auto give_back = [places = places_](void*) {
    --places->taken;
    places->freed.notify();
  };
  return {++accepted_, {places_.get(), give_back}};
}

void Server::admit(Connection connection) {
  if (is_full())
    return refuse(connection,
                  text("there {} {} already", places_->taken == 1 ? "is" : "are",
                       counted(places_->taken, "connection")),
                  true);
  if (!has_reserve()) return refuse(connection, "descriptors have run out", false);
  if (const auto reason = options_.refuses(connection)) return refuse(connection, *reason, true);
  if (served_when_short_ && served_.size() <= *served_when_short_ / 2) served_when_short_.reset();
  reserve_.give_up();
  auto seat = next_seat();
  const auto number = seat.number;
  auto& task = tasks_.spawn(serve_beside_others(std::move(connection), std::move(seat)));
  const auto served = served_.find(number);
  if (served != served_.end()) served->second = &task;
}

void Server::refuse(const Connection& connection, std::string_view reason, bool is_by_rule) {
  options_.tell({.kind = ServerEvent::Kind::refused,
                 .reason = reason,
                 .is_by_rule = is_by_rule,
                 .peer = connection.name(),
                 .connections = served_.size()});
}

bool Server::has_reserve() {
  try {
    reserve_.fill();
    return true;
  } catch (const Error&) {
    return false;
  }
}

/// Once, until half of the connections have ended.
void Server::note_shortage(const std::string& reason) {
  const bool is_told = served_when_short_.has_value();
  served_when_short_ = std::max(served_when_short_.value_or(0), served_.size());
  if (is_told) return;
  options_.tell({.kind = ServerEvent::Kind::shortage, .reason = reason, .connections = served_.size()});
}

Task<> Server::serve_beside_others(Connection connection, Seat seat) {
  const Presence presence(*this, seat.number);
  std::string failure;
  try {
    co_await apply_layers(options_.layers, connection, after(time_for_layers));
  } catch (const std::exception& error) {
    failure = error.what();
  }
  if (!failure.empty()) {
    refuse(connection, failure, false);
    co_return;
  }
  try {
    co_await service_.serve(std::move(connection), std::move(seat));
  } catch (const std::exception&) {  // the service has told of it
  }
}

}  // namespace sockx

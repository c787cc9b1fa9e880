#include "serve/server.hpp"

#include "base/error.hpp"
#include "base/text.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

constexpr unsigned most_in_a_row = 64;  // connections accepted before others have their turn

}  // namespace

Server::Server(EventLoop& loop, std::vector<Listener> listeners, Service& service, ServerOptions options)
    : loop_(loop),
      listeners_(std::move(listeners)),
      service_(service),
      waiting_(service),
      options_(std::move(options)),
      reserve_(options_.reserved + (options_.reserved > 0 || options_.rejects ? 1 : 0) + kept_to_reject()),
      places_(std::make_shared<Places>(loop)),
      left_(loop),
      stop_asked_(loop),
      stopped_(loop),
      tasks_(loop) {}

Task<> Server::run() {
  co_await any(service_.run(*this), accept_until_stopped());
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
    auto connection = co_await next_connection(listeners_.front(), deadline);
    if (const auto reason = options_.reason_to_refuse(connection)) {
      refuse(connection, *reason, true);
      continue;
    }
    const bool is_served = co_await is_admitted(connection);
    if (!is_served) continue;
    listeners_.clear();
    co_await serve_alone(std::move(connection));
    co_return;
  }
}

Task<bool> Server::run_with(Connection connection) {
  if (const auto reason = options_.reason_to_refuse(connection)) {
    refuse(connection, *reason, true);
    co_return false;
  }
  const bool is_served = co_await is_admitted(connection);
  if (!is_served) co_return false;
  co_await serve_alone(std::move(connection));
  co_return true;
}

/// The second stage; a refusal is told.
Task<bool> Server::is_admitted(Connection& connection) {
  if (!options_.admission) co_return true;
  auto admission = options_.admission(connection, limit_of_layers());
  const auto refusal = co_await std::move(admission);
  if (refusal) refuse(connection, refusal->reason, refusal->is_by_rule);
  co_return !refusal;
}

Task<> Server::serve_alone(Connection connection) {
  co_await apply_layers(options_.layers, connection, limit_of_layers());
  auto seat = next_seat();
  co_await service_.serve(std::move(connection), std::move(seat));
}

void Server::drop(std::uint64_t number) {
  const auto task = served_.find(number);
  if (task != served_.end()) tasks_.cancel(*task->second);
}

Task<> Server::accept_until_stopped() {
  std::vector<Task<>> tasks;
  tasks.push_back(wait_for_stop());
  for (auto& listener : listeners_) tasks.push_back(accept_from(listener));
  co_await any(std::move(tasks));
  listeners_.clear();
  stopped_.notify();
  if (is_draining_) options_.tell({.kind = ServerEvent::Kind::draining, .connections = served_.size()});
  co_await wait_for_last(drained_by_);
}

void Server::drain() {
  is_draining_ = true;
  if (options_.drain_timeout) drained_by_ = after(*options_.drain_timeout);
  stop_asked_.notify();
}

Task<> Server::wait_for_stop() {
  co_await stop_asked_.wait();
  if (is_draining_) {
    co_await any(service_.ready_to_stop(), sleep_until(drained_by_));
  }
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

/// Between the last wait and admit() no other coroutine runs: a place or descriptor that is free then is
/// still free for this connection.
Task<> Server::accept_from(Listener& listener) {
  if (options_.rejects) fill_reserve(listener);
  for (unsigned count = 1;; ++count) {
    co_await wait_for_connection(listener);
    ++held_back_;
    co_await service_.ready_for_next();
    co_await wait_for_place();
    const bool has_room = fill_reserve(listener);
    reserve_.give_up(has_room ? options_.reserved + kept_to_reject() : 0);  // one for the connection
    auto accepted = accept_unless_short(listener, has_room || options_.rejects);
    if (accepted) {
      admit(std::move(*accepted), has_room);
      accepted.reset();
      if (options_.rejects) fill_reserve(listener);  // for the next one
    } else if (served_when_short_) {
      const auto waiting = waiting_.add();
      co_await places_->freed.wait(after(100ms));
    }
    --held_back_;
    if (count % most_in_a_row == 0) {
      co_await loop_.next_turn();
    }
  }
}

Task<> Server::wait_for_place() {
  while (!options_.rejects && is_full()) {
    const auto waiting = waiting_.add();
    co_await places_->freed.wait();
  }
}

/// Nothing where no connection waits any more, or there is no room.
std::optional<Connection> Server::accept_unless_short(Listener& listener, bool may_accept) {
  try {
    if (may_accept) return accept_now(listener);
  } catch (const Error& error) {
    note_shortage(listener, error);
  }
  return {};
}

Seat Server::next_seat() {
  ++places_->taken;
  const auto give_back = [places = places_](void*) {
    --places->taken;
    places->freed.notify();
  };
  return {++accepted_, {places_.get(), give_back}};
}

void Server::admit(Connection connection, bool has_room) {
  if (is_full())
    return refuse(connection,
                  text("there {} {} already", places_->taken == 1 ? "is" : "are",
                       counted(places_->taken, "connection")),
                  true);
  if (!has_room) return refuse(connection, "descriptors have run out", false);
  if (const auto reason = options_.reason_to_refuse(connection)) return refuse(connection, *reason, true);
  if (served_when_short_ && served_.size() <= *served_when_short_ / 2) served_when_short_.reset();
  reserve_.give_up(kept_to_reject());
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

/// Whether there are as many descriptors as a connection needs.
bool Server::fill_reserve(const Listener& listener) {
  try {
    reserve_.fill();
    return true;
  } catch (const Error& error) {
    if (!options_.rejects) note_shortage(listener, error);
    return false;
  }
}

/// Reports a shortage once, until half of the connections have ended. Rethrows any other error, and a
/// shortage for which the server does not wait.
void Server::note_shortage(const Listener& listener, const Error& error) {
  if (!is_shortage(error) || !options_.waits_at_shortage) throw;
  const bool is_told = served_when_short_.has_value();
  served_when_short_ = std::max(served_when_short_.value_or(0), served_.size());
  if (is_told) return;
  const auto reason = text("accept {}: {}", listener.address().to_string(), error.code().message());
  options_.tell({.kind = ServerEvent::Kind::shortage, .reason = reason, .connections = served_.size()});
}

Task<> Server::serve_beside_others(Connection connection, Seat seat) {
  served_.emplace(seat.number, nullptr);
  const OnExit ended([this, number = seat.number] {
    served_.erase(number);
    left_.notify();
  });
  const bool is_served = co_await is_admitted(connection);
  if (!is_served) co_return;
  std::string failure;
  try {
    co_await apply_layers(options_.layers, connection, limit_of_layers());
  } catch (const std::exception& error) {
    failure = error.what();
  }
  if (!failure.empty()) {
    refuse(connection, failure, false);
    co_return;
  }
  try {
    co_await service_.serve(std::move(connection), std::move(seat));
  } catch (const std::exception&) {  // the service has reported it
  }
}

}  // namespace sockx

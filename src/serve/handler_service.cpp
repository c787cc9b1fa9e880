#include "serve/handler_service.hpp"

#include "base/error.hpp"
#include "base/on_exit.hpp"
#include "flow/task_group.hpp"

namespace sockx {

Task<> HandlerService::serve(Connection connection, Seat seat) {
  Client client(loop_, std::move(connection), std::move(seat));
  bool has_ended = false, is_complete = false;
  const auto tell = [&](ServerEvent::Kind kind, std::string_view reason) {
    options_.tell({.kind = kind,
                   .reason = reason,
                   .is_complete = is_complete,
                   .client = &client,
                   .connections = entries_.size()});
  };
  const OnExit closing([&] {
    if (!has_ended) cut_off(client);
    entries_.erase(client.number);
    tell(ServerEvent::Kind::closed, client.ending);
  });
  entries_.emplace(client.number, Entry{&client});
  came_.notify();
  tell(ServerEvent::Kind::accepted, "");
  auto serving = handler_.serve(client);
  if (options_.is_one)
    serving = any(watch_for_idleness(options_.idle_timeout, client.tally.last_byte, client.stream()),
                  std::move(serving));
  try {
    co_await std::move(serving);
    client.ending = "complete";
    client.cut.complete();
    has_ended = is_complete = true;
  } catch (const TimedOut& error) {
    if (!options_.is_one) client.ending = error.what();
    has_ended = !options_.is_one;
    throw;
  } catch (const std::exception& error) {
    client.ending = error.what();
    has_ended = true;
    throw;
  }
}

Task<> HandlerService::run(Server& server) {
  if (!options_.idle_timeout) return handler_.run();
  return any(end_idle_clients(server, *options_.idle_timeout), handler_.run());
}

/// A client that is left when the server ends, or has been idle for too long. It meets a reset unless our
/// half has ended before: then only a failure takes that back. A signal is an end for those that have
/// everything.
void HandlerService::cut_off(Client& client) const {
  if (!options_.ends_by_signal()) {
    if (!has_ended_) client.cut.fail();
  } else if (client.cut.has_caught_up() && handler_.is_silent() && client.stream().end_at_once()) {
    client.cut.complete();
  }
}

Task<> HandlerService::end_idle_clients(Server& server, Duration limit) {
  const auto reason = no_byte_within(limit);
  for (;;) {
    while (entries_.empty()) {
      co_await came_.wait();
    }
    std::vector<Client*> idle;
    auto next = after(Idleness::usual_pause(limit));  // others may have come until then
    for (auto& [number, entry] : entries_) {
      if (is_idle(entry, limit))
        idle.push_back(entry.client);
      else
        next = std::min(next, entry.idleness->next_look());
    }
    for (auto* const client : idle) {
      client->ending = reason;
      client->cut.fail();
      server.drop(client->number);
    }
    co_await loop_.sleep_until(next);
  }
}

/// Looks at the client if that is due.
bool HandlerService::is_idle(Entry& entry, Duration limit) const {
  const auto& client = *entry.client;
  const auto waiting = [&] { return unacknowledged(client.stream().facts()).value_or(0); };
  if (!entry.idleness)
    entry.idleness.emplace(limit, Idleness::usual_pause(limit), client.tally.last_byte, waiting());
  const auto now = loop_.now();
  return now >= entry.idleness->next_look() && entry.idleness->look(now, client.tally.last_byte, waiting());
}

}  // namespace sockx

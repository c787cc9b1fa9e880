#include "serve/clients.hpp"

#include "base/error.hpp"
#include "base/text.hpp"
#include "flow/task_group.hpp"

namespace sockx {

/// A client's time with the server: told at its beginning and, however it comes, at its end.
class Clients::Sitting {
 public:
  Sitting(Clients& clients, Client& client) : clients_(clients), client_(client) {
    clients_.entries_.emplace(client.number, Entry{&client});
    clients_.came_.notify();
    tell(ServerEvent::Kind::accepted, "");
  }
  Sitting(const Sitting&) = delete;
  Sitting& operator=(const Sitting&) = delete;
  ~Sitting() {
    if (!has_ended_) clients_.cut_off(client_);
    clients_.entries_.erase(client_.number);
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
    clients_.options_.tell({.kind = kind,
                            .reason = reason,
                            .is_complete = is_complete_,
                            .client = &client_,
                            .connections = clients_.entries_.size()});
  }

  Clients& clients_;
  Client& client_;
  bool has_ended_ = false, is_complete_ = false;
};

Task<> Clients::serve(Connection connection, Seat seat) {
  Client client(loop_, std::move(connection), std::move(seat));
  Sitting sitting(*this, client);
  try {
    if (options_.is_one && options_.idle_timeout) {
      std::vector<Task<>> tasks;
      tasks.push_back(watch_for_idleness(*options_.idle_timeout, client.tally.last_byte, client.stream()));
      tasks.push_back(handler_.serve(client));
      co_await any(std::move(tasks));
    } else {
      co_await handler_.serve(client);
    }
  } catch (const TimedOut& error) {
    if (!options_.is_one) sitting.fail(error.what());
    throw;
  } catch (const std::exception& error) {
    sitting.fail(error.what());
    throw;
  }
  sitting.complete();
}

Task<> Clients::attend(Server& server) {
  std::vector<Task<>> tasks;
  if (options_.idle_timeout) tasks.push_back(end_idle_clients(server, *options_.idle_timeout));
  tasks.push_back(handler_.attend());
  co_await any(std::move(tasks));
}

/// A client that is left when the server ends, or has been idle for too long. It meets a reset unless our
/// half has ended before: then only a failure takes that back. A signal is an end for those that have
/// everything.
void Clients::cut_off(Client& client) const {
  if (!options_.ends_by_signal()) {
    if (!has_ended_) client.cut.fail();
  } else if (client.cut.has_caught_up() && handler_.is_silent()) {
    client.cut.complete();
  }
}

Task<> Clients::end_idle_clients(Server& server, Duration limit) {
  const auto reason =
      text("no byte in either direction for {:g} s", std::chrono::duration<double>(limit).count());
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
bool Clients::is_idle(Entry& entry, Duration limit) const {
  const auto& client = *entry.client;
  const auto waiting = [&] { return unacknowledged(client.stream().facts()).value_or(0); };
  if (!entry.idleness)
    entry.idleness.emplace(limit, Idleness::usual_pause(limit), client.tally.last_byte, waiting());
  const auto now = loop_.now();
  return now >= entry.idleness->next_look() && entry.idleness->look(now, client.tally.last_byte, waiting());
}

}  // namespace sockx

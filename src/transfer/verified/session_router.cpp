#include "transfer/verified/session_router.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/on_exit.hpp"
#include "base/text.hpp"
#include "flow/task_group.hpp"
#include "os/descriptor_limit.hpp"
#include "transfer/verified/greeting.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

constexpr Duration time_to_greet = 10s;
constexpr Duration time_for_place = 5s;  // a sender waits for its answer for 10 s
constexpr Duration time_before_giving_way = 1s;
constexpr std::size_t most_transfers = 1000;  // each takes memory
constexpr std::size_t descriptors_kept = 32;  // for the log and the like

/// How many may wait, by the limit of descriptors.
std::size_t visits_for(std::size_t limit) { return std::clamp<std::size_t>(limit / 4, 16, 1024); }

/// What transfers may have open, all together.
std::size_t room_for(std::size_t limit) {
  const auto others = descriptors_kept + visits_for(limit);
  return std::clamp(limit > others ? limit - others : 0, most_descriptors_of_session,
                    most_transfers * most_descriptors_of_session);
}

}  // namespace

class SessionRouter::Visit {
 public:
  Visit(SessionRouter& router, std::list<Visit*>& equals)
      : router_(router), equals_(equals), place_(equals.insert(equals.end(), this)) {
    ++router_.visits_;
  }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;
  ~Visit() {
    if (!is_sent_away_) equals_.erase(place_);
    --router_.visits_;
    router_.changed_.notify();
  }

  Clock::time_point gives_way_at() const { return begun_ + time_before_giving_way; }
  void send_away() {
    equals_.erase(place_);
    is_sent_away_ = true;
    router_.changed_.notify();
  }
  bool is_sent_away() const { return is_sent_away_; }
  Task<> until_sent_away() const {
    while (!is_sent_away_) {
      co_await router_.changed_.wait();
    }
  }

 private:
  SessionRouter& router_;
  std::list<Visit*>& equals_;
  std::list<Visit*>::iterator place_;
  Clock::time_point begun_ = Clock::now();
  bool is_sent_away_ = false;
};

SessionRouter::SessionRouter(EventLoop& loop, SessionRouterOptions options)
    : options_(std::move(options)),
      changed_(loop),
      most_visits_(visits_for(descriptor_limit())),
      room_(room_for(descriptor_limit())),
      free_(room_) {}

Task<> SessionRouter::has_room() {
  while (visits_ >= most_visits_) {
    const auto& visits = strangers_.empty() ? admitted_ : strangers_;
    const Deadline limit = visits.empty() ? never : visits.front()->gives_way_at();
    const bool has_changed = co_await changed_.wait(limit);
    if (!has_changed) send_oldest_away();
  }
}

void SessionRouter::send_oldest_away() {
  const auto& visits = strangers_.empty() ? admitted_ : strangers_;
  if (!visits.empty() && visits.front()->gives_way_at() <= Clock::now()) visits.front()->send_away();
}

Task<> SessionRouter::hear(Connection& connection, Deadline limit, std::optional<Hello>& hello) const {
  hello = co_await peek_hello(connection.stream, limit);
}

Task<std::optional<unsigned>> SessionRouter::begins_transfer(Connection& connection) {
  const Visit visit(*this, strangers_);
  const auto limit = after(time_to_greet);
  std::optional<Hello> hello;
  std::vector<Task<>> either;
  either.push_back(hear(connection, limit, hello));
  either.push_back(visit.until_sent_away());
  co_await any(std::move(either));
  if (visit.is_sent_away()) {
    options_.inform(text("{} has not greeted, and gives way to others", connection.name()));
    co_return std::nullopt;
  }
  if (!hello && Clock::now() >= limit) {
    options_.warn(text("{} has not greeted within {:g} s: does it send with {}?", connection.name(),
                       std::chrono::duration<double>(time_to_greet).count(), options_.names.verified));
    co_return std::nullopt;
  }
  if (!hello) co_return 1;
  if (hello->stream == 0) co_return hello->streams;
  const auto pending = pending_.insert(pending_.end(), {hello->session, std::move(connection)});
  const OnExit gone([&] { pending_.erase(pending); });
  changed_.notify();
  while (!pending->is_taken && !visit.is_sent_away()) {
    const bool in_time = co_await changed_.wait(limit);
    if (!in_time) break;
  }
  if (!pending->is_taken)
    options_.warn(text("{} belongs to no transfer here, and is dropped", pending->connection.name()));
  co_return std::nullopt;
}

bool SessionRouter::has_place(std::size_t size) const {
  return free_ >= size && transfers_ < options_.most.value_or(most_transfers);
}

Task<std::shared_ptr<void>> SessionRouter::place(unsigned streams) {
  const Visit visit(*this, admitted_);
  const auto limit = options_.rejects ? Clock::now() : after(time_for_place);
  const auto size = std::min(room_, most_descriptors_of_session + streams - 1);
  while (!has_place(size) && !is_finishing_) {
    const bool in_time = co_await changed_.wait(limit);
    if (!in_time || visit.is_sent_away()) co_return nullptr;
  }
  if (is_finishing_) co_return nullptr;
  free_ -= size;
  ++transfers_;
  std::shared_ptr<void> place(this, [size](SessionRouter* router) {
    router->free_ += size;
    --router->transfers_;
    router->changed_.notify();
  });
  co_return place;
}

Task<> SessionRouter::finish() {
  is_finishing_ = true;
  changed_.notify();
  while (awaited_ > 0) {
    co_await changed_.wait();
  }
}

Task<Connection> SessionRouter::next(SessionId session, Deadline deadline, std::string too_late) {
  ++awaited_;
  const OnExit found([this] {
    --awaited_;
    changed_.notify();
  });
  const auto is_ours = [&](const Pending& pending) {
    return !pending.is_taken && pending.session == session;
  };
  for (;;) {
    const auto pending = std::ranges::find_if(pending_, is_ours);
    if (pending != pending_.end()) {
      pending->is_taken = true;
      changed_.notify();
      co_return std::move(pending->connection);
    }
    const bool in_time = co_await changed_.wait(deadline);
    if (!in_time) throw TimedOut(too_late);
  }
}

}  // namespace sockx

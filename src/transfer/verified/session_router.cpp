#include "transfer/verified/session_router.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/non_copyable.hpp"
#include "base/on_exit.hpp"
#include "base/text.hpp"
#include "flow/task_group.hpp"
#include "os/descriptor_limit.hpp"
#include "transfer/verified/greeting.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

constexpr Duration greeting_time = 10s;
constexpr Duration place_time = 5s;  // a sender waits for its answer for 10 s
constexpr Duration time_before_displacement = 1s;
constexpr std::size_t most_transfers = 1000;  // each takes memory
constexpr std::size_t descriptors_kept = 32;  // for the log and the like

/// How many may wait, by the limit of descriptors.
std::size_t most_waiting_for(std::size_t limit) { return std::clamp<std::size_t>(limit / 4, 16, 1024); }

/// What transfers may have open, all together.
std::size_t room_for(std::size_t limit) {
  const auto others = descriptors_kept + most_waiting_for(limit);
  return std::clamp(limit > others ? limit - others : 0, most_descriptors_of_session,
                    most_transfers * most_descriptors_of_session);
}

}  // namespace

class SessionRouter::WaitingConnection : NonCopyable {
 public:
  WaitingConnection(SessionRouter& router, std::list<WaitingConnection*>& equals)
      : router_(router), equals_(equals), place_(equals.insert(equals.end(), this)) {
    ++router_.waiting_;
  }
  ~WaitingConnection() {
    if (!is_displaced_) equals_.erase(place_);
    --router_.waiting_;
    router_.changed_.notify();
  }

  Clock::time_point may_be_displaced_at() const { return begun_ + time_before_displacement; }
  void displace() {
    equals_.erase(place_);
    is_displaced_ = true;
    router_.changed_.notify();
  }
  bool is_displaced() const { return is_displaced_; }
  Task<> until_displaced() const {
    while (!is_displaced_) {
      co_await router_.changed_.wait();
    }
  }

 private:
  SessionRouter& router_;
  std::list<WaitingConnection*>& equals_;
  std::list<WaitingConnection*>::iterator place_;
  Clock::time_point begun_ = Clock::now();
  bool is_displaced_ = false;
};

SessionRouter::SessionRouter(EventLoop& loop, SessionRouterOptions options)
    : options_(std::move(options)),
      changed_(loop),
      most_waiting_(most_waiting_for(descriptor_limit())),
      room_(room_for(descriptor_limit())),
      free_(room_) {}

Task<> SessionRouter::wait_for_room() {
  while (waiting_ >= most_waiting_) {
    const auto& group = unclaimed_.empty() ? admitted_ : unclaimed_;
    const Deadline limit = group.empty() ? never : group.front()->may_be_displaced_at();
    const bool has_changed = co_await changed_.wait(limit);
    if (!has_changed) displace_oldest();
  }
}

void SessionRouter::displace_oldest() {
  const auto& group = unclaimed_.empty() ? admitted_ : unclaimed_;
  if (!group.empty() && group.front()->may_be_displaced_at() <= Clock::now()) group.front()->displace();
}

Task<> SessionRouter::peek(Connection& connection, Deadline limit, std::optional<Hello>& hello) const {
  hello = co_await peek_hello(connection.stream, limit);
}

Task<std::optional<unsigned>> SessionRouter::route(Connection& connection) {
  const WaitingConnection waiting(*this, unclaimed_);
  const auto limit = after(greeting_time);
  std::optional<Hello> hello;
  co_await any(peek(connection, limit, hello), waiting.until_displaced());
  if (waiting.is_displaced()) {
    options_.inform(
        text("{} has sent no greeting, and is closed to make room for others", connection.name()));
    co_return std::nullopt;
  }
  if (!hello && Clock::now() >= limit) {
    options_.warn(text("{} has sent no greeting within {:g} s: does it send with {}?", connection.name(),
                       seconds(greeting_time), options_.names.verified));
    co_return std::nullopt;
  }
  if (!hello) co_return 1;
  if (hello->stream == 0) co_return hello->streams;
  const auto pending = pending_.insert(pending_.end(), {hello->session, std::move(connection)});
  const OnExit gone([&] { pending_.erase(pending); });
  changed_.notify();
  while (!pending->is_taken && !waiting.is_displaced()) {
    const bool in_time = co_await changed_.wait(limit);
    if (!in_time) break;
  }
  if (!pending->is_taken)
    options_.warn(text("{} belongs to no transfer here, and is closed", pending->connection.name()));
  co_return std::nullopt;
}

bool SessionRouter::has_place(std::size_t size) const {
  return free_ >= size && transfers_ < options_.most.value_or(most_transfers);
}

Task<std::shared_ptr<void>> SessionRouter::reserve_place(unsigned streams) {
  const WaitingConnection waiting(*this, admitted_);
  const auto limit = options_.rejects ? Clock::now() : after(place_time);
  const auto size = std::min(room_, most_descriptors_of_session + streams - 1);
  while (!has_place(size) && !is_finishing_) {
    const bool in_time = co_await changed_.wait(limit);
    if (!in_time || waiting.is_displaced()) co_return nullptr;
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

Task<Connection> SessionRouter::next_connection_of(SessionId session, Deadline deadline,
                                                   std::string too_late) {
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

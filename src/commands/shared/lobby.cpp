#include "commands/shared/lobby.hpp"

#include <algorithm>

#include "commands/shared/verified.hpp"
#include "os/descriptor_limit.hpp"
#include "transfer/verified/greeting.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

constexpr Duration time_in_lobby = 10s;
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

class Lobby::Visit {
 public:
  Visit(Lobby& lobby, std::list<Visit*>& equals)
      : lobby_(lobby), equals_(equals), place_(equals.insert(equals.end(), this)) {
    ++lobby_.visits_;
  }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;
  ~Visit() {
    if (!is_sent_away_) equals_.erase(place_);
    --lobby_.visits_;
    lobby_.changed_.notify();
  }

  Clock::time_point gives_way_at() const { return begun_ + time_before_giving_way; }
  void send_away() {
    equals_.erase(place_);
    is_sent_away_ = true;
    lobby_.changed_.notify();
  }
  bool is_sent_away() const { return is_sent_away_; }
  Task<> until_sent_away() const {
    while (!is_sent_away_) {
      co_await lobby_.changed_.wait();
    }
  }

 private:
  Lobby& lobby_;
  std::list<Visit*>& equals_;
  std::list<Visit*>::iterator place_;
  Clock::time_point begun_ = Clock::now();
  bool is_sent_away_ = false;
};

Lobby::Place::Place(Lobby& lobby, std::size_t size) : lobby_(lobby), size_(size) { lobby_.free_ -= size_; }

Lobby::Place::~Place() {
  lobby_.free_ += size_;
  lobby_.changed_.notify();
}

Lobby::Lobby(EventLoop& loop, Context& context)
    : context_(context),
      changed_(loop),
      most_visits_(visits_for(descriptor_limit())),
      room_(room_for(descriptor_limit())),
      free_(room_) {}

Task<> Lobby::has_room() {
  while (visits_ >= most_visits_) {
    const auto& visits = strangers_.empty() ? admitted_ : strangers_;
    const Deadline limit = visits.empty() ? never : visits.front()->gives_way_at();
    const bool has_changed = co_await changed_.wait(limit);
    if (!has_changed) send_oldest_away();
  }
}

void Lobby::send_oldest_away() {
  const auto& visits = strangers_.empty() ? admitted_ : strangers_;
  if (!visits.empty() && visits.front()->gives_way_at() <= Clock::now()) visits.front()->send_away();
}

Task<> Lobby::hear(Connection& connection, Deadline limit, std::optional<Hello>& hello) const {
  hello = co_await peek_hello(connection.stream, limit);
}

Task<std::optional<unsigned>> Lobby::begins_transfer(Connection& connection) {
  const Visit visit(*this, strangers_);
  const auto limit = after(time_in_lobby);
  std::optional<Hello> hello;
  std::vector<Task<>> either;
  either.push_back(hear(connection, limit, hello));
  either.push_back(visit.until_sent_away());
  co_await any(std::move(either));
  if (visit.is_sent_away()) {
    context_.log.info("{} has not greeted, and gives way to others", connection.name());
    co_return std::nullopt;
  }
  if (!hello && Clock::now() >= limit) {
    context_.log.warn("{} has not greeted within {:g} s: does it send with --verified?", connection.name(),
                      std::chrono::duration<double>(time_in_lobby).count());
    co_return std::nullopt;
  }
  if (!hello) co_return 1;
  if (hello->stream == 0) co_return hello->streams;
  const auto guest = guests_.insert(guests_.end(), {hello->session, std::move(connection)});
  changed_.notify();
  while (!guest->is_taken && !visit.is_sent_away()) {
    const bool in_time = co_await changed_.wait(limit);
    if (!in_time) break;
  }
  if (!guest->is_taken)
    context_.log.warn("{} belongs to no transfer here, and is dropped", guest->connection.name());
  guests_.erase(guest);
  co_return std::nullopt;
}

Task<std::unique_ptr<Lobby::Place>> Lobby::place(unsigned streams) {
  const Visit visit(*this, admitted_);
  const auto limit = after(time_for_place);
  const auto size = std::min(room_, most_descriptors_of_session + streams - 1);
  while (free_ < size) {
    const bool in_time = co_await changed_.wait(limit);
    if (!in_time || visit.is_sent_away()) co_return nullptr;
  }
  co_return std::make_unique<Place>(*this, size);
}

Task<Connection> Lobby::next(SessionId session) {
  const auto is_ours = [&](const Guest& guest) { return !guest.is_taken && guest.session == session; };
  for (;;) {
    const auto guest = std::ranges::find_if(guests_, is_ours);
    if (guest != guests_.end()) {
      guest->is_taken = true;
      changed_.notify();
      co_return std::move(guest->connection);
    }
    co_await changed_.wait();
  }
}

LaneMeeting::LaneMeeting(EventLoop& loop, Context& context, ProgressBoard& board, const MeetingFlags& flags,
                         std::vector<std::string> words, TimeLimits limits, Deadline deadline)
    : context_(context),
      listens_(flags.listens),
      meeting_(context, board, flags, std::move(words), limits, deadline),
      lobby_(loop, context),
      admissions_(loop) {}

Task<Connection> LaneMeeting::first() { return meeting_.next(); }

Task<Connection> LaneMeeting::next(SessionId session) {
  if (!listens_) {
    auto dialed = co_await meeting_.next();
    co_return dialed;
  }
  std::optional<Connection> found;
  std::vector<Task<>> tasks;
  tasks.push_back(find(session, found));
  tasks.push_back(accept_all());
  co_await any(std::move(tasks));
  co_return std::move(*found);
}

Task<> LaneMeeting::find(SessionId session, std::optional<Connection>& found) {
  auto connection = co_await lobby_.next(session);
  found.emplace(std::move(connection));
}

Task<> LaneMeeting::accept_all() {
  for (;;) {
    co_await lobby_.has_room();
    auto connection = co_await meeting_.next();
    admissions_.spawn(admit(std::move(connection)));
  }
}

Task<> LaneMeeting::admit(Connection connection) {
  const auto is_first = co_await lobby_.begins_transfer(connection);
  if (is_first) context_.log.warn("{} does not belong to this transfer, and is dropped", connection.name());
}

}  // namespace sockx

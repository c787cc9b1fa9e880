#include "serve/room.hpp"

#include <algorithm>
#include <stdexcept>

#include "flow/task_group.hpp"
#include "os/error.hpp"
#include "os/text.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

constexpr auto patience = 5s;
constexpr std::size_t far_behind = Broadcast::capacity / 2;
constexpr std::size_t most_in_a_turn = Broadcast::capacity / 4;

class Counted {
 public:
  explicit Counted(std::size_t& counter) : counter_(counter) { ++counter_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --counter_; }

 private:
  std::size_t& counter_;
};

}  // namespace

Room::Member::Member(Room& room, Client& client)
    : room_(room),
      client_(client),
      position_(room.log_.end()),
      place_(room.members_.insert(room.members_.end(), this)) {
  send_without_delay(client.socket);  // of a turn there is one piece
}

Room::Member::~Member() {
  room_.members_.erase(place_);
  room_.note_move(position_, room_.log_.end());
}

void Room::Member::leave() {
  last_ = room_.log_.end();
  client_.watch.presume_writable();
}

Task<> Room::converse(Member& member, Task<> hear) {
  try {
    auto hearing = hear_out(member, std::move(hear));
    auto telling = tell(member);
    co_await all(std::move(hearing), std::move(telling));
  } catch (const Error& error) {
    if (!member.has_ended_ || (error.number() != EPIPE && error.number() != ECONNRESET)) throw;
  }
}

Task<> Room::hear_out(Member& member, Task<> hear) {
  co_await std::move(hear);
  member.has_ended_ = true;
  // FIN does not tell whether the client still reads; once it has forgotten the connection, a probe does.
  if (!member.last_) probe_when_silent(member.client_.socket);
}

void Room::say(Party author, Audience audience, std::span<const std::byte> bytes) {
  if (has_ended_ || bytes.empty()) return;
  begin_turn();
  log_.append(author, audience, bytes);
  if (slowest_ >= log_.begin()) return;
  for (auto* const member : members_)
    if (member->position_ < log_.begin()) member->client_.watch.presume_writable();
  find_slowest();
}

void Room::end() {
  begin_turn();
  has_ended_ = true;
}

/// Members are woken by the first that is said in a turn alone. That is enough, because none of them goes to
/// sleep in a turn in which something has been said already: see tell().
void Room::begin_turn() {
  if (was_fed_in_this_turn()) return;
  turn_ = loop_.waits();
  turn_begin_ = log_.end();
  for (auto* const member : members_) member->client_.watch.presume_writable();
  said_.notify();
}

bool Room::is_full_for_now() const {
  return was_fed_in_this_turn() && log_.end() - turn_begin_ >= most_in_a_turn;
}

Task<> Room::wait_for_news() {
  if (was_fed_in_this_turn()) {
    co_await loop_.next_turn();
  } else {
    co_await said_.wait();
  }
}

Task<> Room::tell(Member& member) {
  auto& watch = member.client_.watch;
  for (bool in_time = true;;) {
    if (was_fed_in_this_turn()) {
      co_await loop_.next_turn();  // more may be said in this one
    }
    const auto before = member.position_;
    switch (deliver(member)) {
      case Told::the_end:
        shutdown_write(member.client_.socket);
        co_return;
      case Told::everything:
        if (watch.is_hung_up()) co_return;
        watch.forget_writable();
        co_await watch.writable();
        in_time = true;
        break;
      case Told::what_fits: {
        const bool is_waited_for = member.last_ || (waiting_ > 0 && is_far_behind(member.position_));
        if (!in_time && member.position_ == before && is_waited_for) cut_off(member);
        in_time = co_await watch.writable(loop_.now() + patience);
        break;
      }
    }
  }
}

Room::Told Room::deliver(Member& member) {
  if (member.position_ < log_.begin()) cut_off(member);
  while (member.position_ < log_.end()) {
    const auto due = log_.due(member.position_, member.client_.number);
    const auto put = due.bytes > 0 ? member.client_.send_gathered(due.pieces()) : IoResult{};
    const auto before = member.position_;
    member.position_ =
        put.bytes == due.bytes ? due.reaches : log_.after(before, member.client_.number, put.bytes);
    note_move(before, member.position_);
    if (put.bytes < due.bytes) return Told::what_fits;
  }
  const bool has_all = has_ended_ || (member.last_ && *member.last_ <= member.position_);
  return has_all ? Told::the_end : Told::everything;
}

void Room::cut_off(Member& member) const {
  set_reset_on_close(member.client_.socket.fd, true);
  throw std::runtime_error(
      text("it did not read: {} were due to it", counted(log_.end() - member.position_, "byte")));
}

bool Room::is_far_behind(Broadcast::Position position) const { return log_.end() - position > far_behind; }

bool Room::somebody_is_slow() {
  if (is_far_behind(slowest_)) find_slowest();
  return is_far_behind(slowest_);
}

void Room::find_slowest() {
  slowest_ = log_.end();
  for (const auto* const member : members_)
    if (member->position_ >= log_.begin()) slowest_ = std::min(slowest_, member->position_);
}

Task<> Room::wait_for_the_slow() {
  while (somebody_is_slow()) {
    const Counted counted(waiting_);
    co_await moved_.wait();
  }
}

void Room::note_move(Broadcast::Position before, Broadcast::Position now) {
  if (waiting_ == 0 || !is_far_behind(before) || is_far_behind(now)) return;
  if (!somebody_is_slow()) moved_.notify();
}

}  // namespace sockx

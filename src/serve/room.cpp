#include "serve/room.hpp"

#include <algorithm>
#include <stdexcept>

#include "base/error.hpp"
#include "base/on_exit.hpp"
#include "base/text.hpp"
#include "flow/task_group.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

constexpr auto patience = 5s;
constexpr auto silence_before_giving_way = 1s;
constexpr std::size_t far_behind = Broadcast::capacity / 2;
// A slow member has to take that much in that time: 2.5 MiB/s.
constexpr auto slice = 25ms;
constexpr Duration most_patience = 1s;  // with slow members, before that counts
constexpr int patience_comes_back_in = 10;
constexpr unsigned fair_turns =
    16;  // of the loop, that patience lasts at least: on a busy machine they are long
constexpr std::size_t most_in_a_slice = Broadcast::capacity / 16;

}  // namespace

Room::Room(EventLoop& loop)
    : loop_(loop),
      patience_(most_patience),
      patience_since_(loop.now()),
      news_(loop),
      moved_(loop),
      came_(loop) {}

Room::Member::Member(Room& room, Client& client)
    : room_(room),
      client_(client),
      position_(room.log_.end()),
      place_(room.awake_.insert(room.awake_.end(), this)),
      answered_(room.loop_) {
  send_without_delay(client.stream().facts());  // of a turn there is one piece
  room.has_changed_ = true;
  room.came_.notify();
  room.moved_.notify();
}

Room::Member::~Member() { room_.stop_telling(*this); }

void Room::Member::leave() {
  last_ = room_.log_.end();
  client_.stream().watch().presume_writable();
}

void Room::Member::answer(std::string bytes) {
  answer_ = std::move(bytes);
  answer_place_ = room_.log_.end();
  client_.cut.note_caught_up(false);
  client_.stream().watch().presume_writable();
}

Task<> Room::Member::wait_until_answered() {
  while (has_answer()) {
    co_await answered_.wait();
  }
}

Task<> Room::converse(Member& member, Task<> hear, Until until) {
  const bool our_end_decides = until == Until::local || until == Until::either;
  TaskGroup group(loop_);
  group.spawn(hear_out(member, std::move(hear), until));
  group.spawn(tell(member));
  while (group.running() > 0 && !(our_end_decides && member.is_told_)) {
    co_await group.next_end();
  }
  group.throw_failure();
}

Task<> Room::hear_out(Member& member, Task<> hear, Until until) {
  co_await std::move(hear);
  member.has_ended_ = true;
  if (until == Until::peer || until == Until::either) member.leave();
  // FIN does not tell whether the client still reads; once it has forgotten the connection, a probe does.
  if (!member.last_) probe_when_silent(member.client_.stream().facts());
  if (is_crowded_) member.client_.stream().watch().presume_writable();
}

void Room::say(Participant except, std::span<const std::byte> bytes) {
  if (has_ended_ || bytes.empty()) return;
  if (loop_.now() >= slice_end_) {
    slice_end_ = loop_.now() + slice;
    slice_begin_ = log_.end();
  }
  log_.append(except, bytes);
  said_at_ = loop_.now();
  has_changed_ = true;
  wake_all();
  if (slowest_ >= log_.begin()) return;
  for (auto* const member : awake_)
    if (is_lost(*member)) member->client_.stream().watch().presume_writable();
  look();
}

void Room::end() {
  has_ended_ = true;
  moved_.notify();
  wake_all();
}

/// Each has its turn in the next turn of the loop, and sleeps again when it has been told everything. One
/// that is awake needs no call: it looks at the log again before it sleeps, and nothing comes between the
/// two.
void Room::wake_all() {
  for (auto* const member : asleep_) {
    member->is_asleep_ = false;
    member->client_.cut.note_caught_up(false);
    member->client_.stream().watch().presume_writable();
  }
  awake_.splice(awake_.end(), asleep_);
  news_.notify();
}

Task<> Room::tell(Member& member) {
  try {
    co_await tell_everything(member);
  } catch (const Error& error) {  // reported once by the kernel: hear() may see an end instead
    if (!member.has_ended_ || (error.number() != EPIPE && error.number() != ECONNRESET)) throw;
  }
  stop_telling(member);
}

Task<> Room::tell_everything(Member& member) {
  auto& watch = member.client_.stream().watch();
  for (bool in_time = true;;) {
    const auto sent_before = member.client_.tally.sent;
    const auto told = deliver(member);
    if (told == Told::the_end) {
      co_await member.client_.end_output();
      break;
    }
    if (told == Told::everything) {
      if (watch.is_hung_up()) break;
      if (!std::exchange(member.is_asleep_, true)) asleep_.splice(asleep_.end(), awake_, member.place_);
      member.client_.cut.note_caught_up();
      watch.forget_writable();
      const auto until = gives_way_at(member);
      in_time = co_await watch.writable(until);
      if (!in_time && gives_way_at(member) <= loop_.now()) {
        is_crowded_ = false;  // one is enough
        member.leave();
      }
      in_time = true;
    } else {
      const bool is_waited_for = member.last_ || (waiting_ > 0 && is_far_behind(member.position_));
      if (!in_time && member.client_.tally.sent == sent_before && is_waited_for) cut_off(member);
      in_time = co_await watch.writable(loop_.now() + patience);
    }
  }
}

Room::Told Room::deliver(Member& member) {
  if (is_lost(member)) cut_off(member);
  if (member.has_answer()) {
    if (deliver_log(member, member.answer_place_) == Told::what_fits) return Told::what_fits;
    if (deliver_answer(member) == Told::what_fits) return Told::what_fits;
  }
  if (deliver_log(member, log_.end()) == Told::what_fits) return Told::what_fits;
  const bool has_all = has_ended_ || (member.last_ && *member.last_ <= member.position_);
  return has_all ? Told::the_end : Told::everything;
}

Room::Told Room::deliver_log(Member& member, Broadcast::Position to) {
  while (member.position_ < to) {
    const auto due = log_.due(member.position_, member.client_.number, to);
    const auto put = due.bytes > 0 ? member.client_.send_gathered(due.pieces()) : IoResult{};
    const auto before = member.position_;
    member.position_ =
        put.bytes == due.bytes ? due.reaches : log_.after(before, member.client_.number, put.bytes);
    note_move(before, member.position_);
    if (put.bytes < due.bytes) return Told::what_fits;
  }
  return Told::everything;
}

Room::Told Room::deliver_answer(Member& member) {
  const auto put = member.client_.send(std::as_bytes(std::span(member.answer_)));
  member.answer_.erase(0, put.bytes);
  if (member.has_answer()) return Told::what_fits;
  member.answered_.notify();
  return Told::everything;
}

/// It is told nothing more.
void Room::stop_telling(Member& member) {
  if (std::exchange(member.is_told_, true)) return;
  (member.is_asleep_ ? asleep_ : awake_).erase(member.place_);
  fastest_ = second_ = {};
  has_changed_ = true;
  moved_.notify();
}

void Room::cut_off(Member& member) const {
  member.client_.cut.fail();
  throw std::runtime_error(
      text("it did not read: {} were waiting for it", counted(log_.end() - member.position_, "byte")));
}

bool Room::is_far_behind(Broadcast::Position position) const { return log_.end() - position > far_behind; }

Deadline Room::held_until(Participant except) {
  constexpr Deadline now{};
  if (has_ended_ || !is_far_behind(slowest_)) return now;
  look();
  if (!is_far_behind(slowest_)) return now;
  const auto& lead = fastest_.participant == except ? second_ : fastest_;
  if (lead.participant == 0) return now;
  if (is_far_behind(lead.position)) return never;
  const auto patient_until = held_ > 0 ? patience_end_ : loop_.now() + patience_left();
  if (loop_.now() < patient_until) return patient_until;
  if (loop_.waits() < turns_end_) return loop_.now() + 1ms;
  return log_.end() - slice_begin_ < most_in_a_slice ? now : slice_end_;
}

Duration Room::patience_left() const {
  return std::min(most_patience, patience_ + (loop_.now() - patience_since_) / patience_comes_back_in);
}

void Room::begin_patience() {
  const auto left = patience_left();
  patience_end_ = loop_.now() + left;
  if (left >= slice) turns_end_ = loop_.waits() + fair_turns;
}

void Room::end_patience() {
  patience_since_ = loop_.now();
  patience_ = std::max(patience_end_ - patience_since_, Duration());
}

Task<> Room::wait_for_room(Participant except) {
  for (;;) {
    const auto until = held_until(except);
    if (until <= loop_.now()) co_return;
    const bool is_held = until != never;  // by a slow member
    if (is_held && held_++ == 0) begin_patience();
    ++waiting_;
    const OnExit goes_on([this, is_held] {
      --waiting_;
      if (is_held && --held_ == 0) end_patience();
    });
    co_await moved_.wait(until);
  }
}

Task<> Room::wait_for_member() {
  while (is_empty()) {
    co_await came_.wait();
  }
}

/// Finds the slowest, and the two fastest: what is to be said may not be for one of them.
void Room::look() {
  if (!std::exchange(has_changed_, false)) return;
  slowest_ = log_.end();
  fastest_ = second_ = {};
  for (const auto* const member : awake_) {
    if (is_lost(*member)) continue;
    slowest_ = std::min(slowest_, member->position_);
    note_lead(*member);
  }
  std::size_t asleep = 0;
  for (const auto* const member : asleep_) {
    if (++asleep > 2) break;  // all have the same position
    note_lead(*member);
  }
}

void Room::note_lead(const Member& member) {
  const Lead lead{member.client_.number, member.position_};
  if (fastest_.participant == 0 || lead.position > fastest_.position)
    second_ = std::exchange(fastest_, lead);
  else if (second_.participant == 0 || lead.position > second_.position)
    second_ = lead;
}

void Room::note_move(Broadcast::Position before, Broadcast::Position now) {
  has_changed_ = true;
  if (is_far_behind(before) && !is_far_behind(now)) moved_.notify();
}

Deadline Room::gives_way_at(const Member& member) const {
  return is_crowded_ && member.has_ended_ ? said_at_ + silence_before_giving_way : never;
}

void Room::set_crowded(bool is_crowded) {
  is_crowded_ = is_crowded;
  if (!is_crowded_) return;
  for (auto* const member : asleep_)
    if (member->has_ended_) member->client_.stream().watch().presume_writable();
}

}  // namespace sockx

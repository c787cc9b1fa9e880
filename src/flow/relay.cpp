#include "flow/relay.hpp"

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/error.hpp"
#include "base/non_copyable.hpp"
#include "base/text.hpp"
#include "flow/idle_timeout.hpp"
#include "flow/rate_limit.hpp"
#include "flow/run_pump.hpp"
#include "flow/task_group.hpp"
#include "os/calls.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

constexpr Duration usual_grace = 5s;  // for what is left to do after the local side has decided to stop

/// The bytes from one end to the other.
struct Direction {
  Direction(Duplex& source, Duplex& sink, std::uint64_t& delivered,
            std::optional<std::uint64_t> bytes_per_second)
      : from(source), to(sink), counter(delivered), pump(source.in, sink.out, source.carried) {
    if (bytes_per_second) rate.emplace(*bytes_per_second);
  }

  bool has_reached_limit() const { return pump.bytes() >= from.carried.limit; }
  /// Whether no more bytes will be carried.
  bool is_over() const { return has_ended || is_enough || reader_has_left || !from.is_heard; }

  Duplex& from;
  Duplex& to;
  std::uint64_t& counter;
  Pump pump;
  std::optional<RateLimit> rate;
  bool has_ended = false;        // the source, and all of it has been delivered
  bool is_enough = false;        // for the sink
  bool end_is_told = false;      // to the sink
  bool reader_has_left = false;  // the sink's
  bool drops = false;
  std::exception_ptr failure = {};  // of the sink, from which bytes may still come
};

class Conversation : NonCopyable {
 public:
  Conversation(EventLoop& loop, Duplex first, Duplex second, RelayRules rules, Tally& tally,
               RelayObserver tell)
      : loop_(loop),
        first_(std::move(first)),
        second_(std::move(second)),
        rules_(std::move(rules)),
        tally_(tally),
        tell_(std::move(tell)),
        outward_(first_, second_, tally.sent, rules_.rate),
        inward_(second_, first_, tally.received, rules_.rate) {}
  ~Conversation() {
    if (has_failed_ || is_complete_) return;
    for (auto* const direction : {&outward_, &inward_})
      if (auto* const cut = direction->to.cut; cut != nullptr && has_caught_up(*direction))
        cut->note_caught_up();
  }

  Task<> run() {
    try {
      co_await run_to_the_end();
      is_complete_ = true;
    } catch (...) {
      has_failed_ = true;
      for (auto* const end : {&first_, &second_})
        if (end->cut != nullptr) end->cut->fail();
      throw;
    }
  }

 private:
  Task<> run_to_the_end() {
    auto conversing = converse();
    co_await unless_idle(std::move(conversing));
    for (auto* const direction : {&outward_, &inward_})
      if (direction->failure) std::rethrow_exception(direction->failure);
    co_await deliver_rest(outward_);
    co_await deliver_rest(inward_);
    co_await finish(inward_, outward_);
    co_await finish(outward_, inward_);
  }

  /// Applies the idle timeout. The end of the session has other limits.
  Task<> unless_idle(Task<> task) {
    if (!rules_.idle_timeout) return task;
    return any(watch_for_idleness(rules_.idle_timeout, tally_.last_byte, [this] { return unacknowledged(); }),
               std::move(task));
  }

  std::uint64_t unacknowledged() const {
    std::uint64_t sum = 0;
    for (const auto* const end : {&first_, &second_})
      if (end->is_connection() || end->is_terminal)
        sum += sockx::unacknowledged(end->out.facts()).value_or(0);
    return sum;
  }

  /// Until the session is over as the user defines it. What is still running then is cancelled.
  Task<> converse() {
    TaskGroup group(loop_);
    group.spawn(carry(outward_));
    group.spawn(carry(inward_));
    bool warns_of_silence = false, warns_of_silent_peer = false;
    while (!is_over() || has_last_words() || may_answer()) {
      const bool is_bounded = outward_.failure || inward_.failure || is_over();
      const auto limit = is_bounded ? std::optional(grace()) : rules_.eof_timeout;
      const bool is_half_over = outward_.has_ended || inward_.has_ended || is_bounded;
      const auto deadline = is_half_over && limit ? first_end_ + *limit : never;
      const bool in_time = co_await group.next_end(deadline);
      if (!in_time && is_bounded) {
        warn_of_program_cut_off();
        break;
      }
      if (!in_time) throw_not_ended();
      if (inward_.has_ended && !outward_.has_ended && !is_over() && !std::exchange(warns_of_silence, true))
        group.spawn(warn_of_silence());
      if (outward_.end_is_told && !inward_.has_ended && second_.is_heard &&
          !std::exchange(warns_of_silent_peer, true))
        group.spawn(warn_of_silent_peer());
      for (auto* const direction : {&outward_, &inward_})
        if (direction->reader_has_left && !std::exchange(direction->drops, true))
          group.spawn(drop_rest(*direction));
    }
    group.throw_failure();  // of a direction that failed in the same turn in which the other ended
  }

  [[noreturn]] void throw_not_ended() const {
    const auto& [silent, ended] =
        outward_.has_ended ? std::pair(&second_, &first_) : std::pair(&first_, &second_);
    throw TimedOut(text("{} has not ended {:g} s after {} did", silent->in.name(),
                        seconds(*rules_.eof_timeout), ended->in.name()));
  }

  /// Whether a connection has failed as a sink while its input may still have the reason.
  bool has_last_words() const {
    return (outward_.failure && !inward_.has_ended && !inward_.is_enough) ||
           (inward_.failure && !outward_.has_ended && !outward_.is_enough);
  }

  /// Whether a terminal is in its grace: all bytes of the other end have gone to it, and it has not ended.
  bool may_answer() const {
    for (const auto* const given : {&outward_, &inward_}) {
      const auto& answer = given == &outward_ ? inward_ : outward_;
      const bool has_reader = !given->from.is_terminal && !answer.failure;
      if (given->to.is_terminal && given->has_ended && has_reader && !answer.is_over()) return true;
    }
    return false;
  }

  /// The grace of a terminal is over. A program on it may have had more to say.
  void warn_of_program_cut_off() const {
    if (!may_answer()) return;
    const auto& [terminal, other] =
        outward_.to.is_terminal ? std::pair(&second_, &first_) : std::pair(&first_, &second_);
    if (terminal->in.facts().origin != Origin::child) return;
    tell_({RelayEvent::Kind::warning, text("{} has not ended within {:g} s after {} did, and is hung up",
                                           terminal->in.name(), seconds(grace()), other->in.name())});
  }

  /// Whether the sink is a terminal that has been hung up, which ends both of its directions.
  bool has_lost_sink(const Direction& direction) const {
    return direction.to.is_terminal && (&direction == &outward_ ? inward_ : outward_).has_ended;
  }

  /// Whether everything that the source has given so far has been sent, and it gives nothing at this moment.
  static bool has_caught_up(const Direction& direction) {
    if (direction.pump.is_holding()) return false;
    if (direction.has_ended) return true;
    try {
      return direction.from.in.look_ahead().state != IoResult::State::moved;
    } catch (...) {  // it is called by a destructor
      return false;
    }
  }

  bool is_over() const {
    if (inward_.is_enough || outward_.is_enough) return true;
    switch (rules_.until) {
      case Until::both:
        return outward_.is_over() && inward_.is_over();
      case Until::local:
        return outward_.has_ended;
      case Until::peer:
        return inward_.has_ended;
      case Until::either:
        return outward_.has_ended || inward_.has_ended;
    }
    return true;
  }

  Task<> carry(Direction& direction) {
    if (!direction.from.is_heard) {
      co_await pass_end(direction);
      co_return;
    }
    if (&direction == &inward_ && rules_.receive) {
      co_await rules_.receive();
      direction.is_enough = true;
      co_await pass_end(direction);
      co_return;
    }
    try {
      co_await run_pump(direction.pump, control_of(direction));
    } catch (const SinkGone& gone) {
      if (direction.to.is_connection())
        direction.end_is_told = true;  // there is no reader for it, and nothing was lost
      else
        note_failure_of_sink(direction, gone);
    } catch (const Error& error) {
      note_failure_of_sink(direction, error);
    } catch (...) {
      throw_failed();
    }
    if (direction.end_is_told && direction.from.is_connection()) {
      co_await expect_nothing_more(direction);
    }
    if (direction.to.is_terminal && !direction.reader_has_left) {
      co_await direction.to.out.wait_until_acknowledged(never, &tally_.last_byte);
    }
    const auto moved = counted(direction.counter, "byte");
    direction.is_enough = direction.has_reached_limit();  // a record is taken whole
    if (direction.reader_has_left)
      detail("{} is read no further after {}", direction.to.out.name(), moved);
    else if (direction.is_enough)
      detail("{} received: the limit is reached", moved);
    else
      note_end(direction);
    if (!direction.failure) {
      co_await pass_end(direction);
    }
  }

  /// A peer may have sent the reason before its connection fails as a sink: those bytes are still delivered,
  /// and then the failure is thrown. Every other failure is thrown at once.
  void note_failure_of_sink(Direction& direction, const Error& error) {
    const auto& sink = direction.to;
    const bool is_of_sink = error.origin() == sink.out.facts().origin;
    if (sink.reader_may_leave && is_of_sink && error.number() == EPIPE)
      direction.reader_has_left = true;
    else if (sink.is_connection() && is_of_sink && error.origin() != direction.from.in.facts().origin)
      direction.failure = std::current_exception();
    else
      throw_failed();
  }

  /// The kernel reports a reset once, perhaps to the other direction: after that an apparent end of the input
  /// is not an end, and is not passed on as one.
  [[noreturn]] void throw_failed() {
    has_failed_ = true;
    throw;
  }

  /// A unix socket shows when its peer has closed it. Bytes that the peer sent before are still delivered,
  /// and the other end may end; further bytes of the other end are a failure.
  Task<> expect_nothing_more(Direction& direction) {
    auto& source = direction.from.in;
    auto waiting = source.look_ahead();
    while (waiting.state == IoResult::State::again) {
      source.watch().forget_readable();
      co_await source.readable();
      waiting = source.look_ahead();
    }
    if (waiting.state != IoResult::State::moved) co_return;
    has_failed_ = true;
    const auto& sink = direction.to.out;
    throw Error(EPIPE, text("write {}", sink.name()), sink.facts().origin);
  }

  /// The reader of the sink sees the end now, and not only at the end of the session.
  Task<> pass_end(Direction& direction) {
    auto& to = direction.to;
    if (has_failed_) co_return;
    if (to.is_told_of_end && !to.is_terminal && !direction.end_is_told) {
      if (to.out.facts().is_socket()) {
        co_await to.out.finish_writing();
      } else {
        check_written(to.out.facts());
        to.out.close();
      }
      direction.end_is_told = true;
    }
    if (to.cut != nullptr && direction.has_ended) to.cut->complete();
  }

  /// The bytes of the source are not needed any more, but a peer that cannot send them would stall.
  Task<> drop_rest(Direction& direction) {
    co_await direction.from.in.drain(never, &tally_.last_byte);
    note_end(direction);
  }

  void note_end(Direction& direction) {
    if (!outward_.has_ended && !inward_.has_ended) first_end_ = loop_.now();
    direction.has_ended = true;
    const auto how = direction.counter > 0 ? ", moved by " + direction.pump.method_and_reason() : "";
    detail("{} has ended after {}{}", direction.from.in.name(), counted(direction.counter, "byte"), how);
  }

  Task<> warn_of_silence() {
    std::uint64_t before = 0;
    do {
      before = outward_.pump.bytes();
      co_await loop_.sleep_until(after(rules_.silence_before_warning));
    } while (outward_.pump.bytes() != before);
    tell_({RelayEvent::Kind::first_is_silent,
           text("{} has ended, but {} has not and is silent", second_.in.name(), first_.in.name())});
  }

  /// A peer that still reads has its time for that; and while our output takes nothing, nobody knows whether
  /// it is silent.
  Task<> warn_of_silent_peer() {
    bool is_silent = false;
    do {
      const auto before = tally_.last_byte;
      co_await loop_.sleep_until(after(rules_.peer_silence_before_warning));
      const auto waiting = sockx::unacknowledged(second_.in.facts()).value_or(0);
      const bool output_takes = !inward_.pump.is_holding() && is_writable_now(first_.out.facts().fd);
      is_silent = tally_.last_byte == before && waiting == 0 && output_takes;
    } while (!is_silent && !inward_.has_ended);
    if (inward_.has_ended) co_return;
    tell_({RelayEvent::Kind::second_is_silent,
           text("{} has ended and {} has taken everything, but is silent and has not closed",
                first_.in.name(), second_.in.name())});
  }

  /// The bytes that have been read when the session is over.
  Task<> deliver_rest(Direction& direction) {
    if (direction.is_over() || has_lost_sink(direction)) co_return;
    auto& pump = direction.pump;
    pump.stop_input();
    auto delivering = run_pump(pump, {nullptr, nullptr, &direction.counter});
    auto too_late = text("{} did not take what was left within {:g} s", pump.to().name(), seconds(grace()));
    co_await with_deadline(std::move(delivering), after(grace()), std::move(too_late));
  }

  /// Sends FIN to a connection and lets it finish. `to` leads there, and `from` comes from there.
  Task<> finish(Direction& from, Direction& to) {
    auto& end = from.from;
    if (end.is_terminal && !from.has_ended) {
      co_await see_everything_acknowledged(end.out);
    }
    if (!end.is_connection() || end.is_left_open) co_return;
    auto& stream = end.in;
    if (!to.end_is_told) {
      co_await stream.finish_writing(after(grace()));
      to.end_is_told = true;
    }
    if (end.cut != nullptr) end.cut->complete();
    if (from.has_ended && !end.awaits_acknowledgement) co_return;
    if (!from.has_ended && (from.has_reached_limit() || rules_.leaves_at_once)) {
      co_await drop_until_acknowledged(from);
    } else if (!from.has_ended) {
      const bool closed = co_await stream.drain(after(grace()));
      if (!closed && sockx::unacknowledged(stream.facts()).value_or(0) == 0)
        tell_({RelayEvent::Kind::warning, text("{} has taken everything, but has not closed within {:g} s",
                                               stream.name(), seconds(grace()))});
    }
    tally_.last_byte = loop_.now();
    auto seeing = see_everything_acknowledged(stream);
    co_await unless_idle(std::move(seeing));
  }

  /// Bytes that come meanwhile are dropped: a peer that cannot send them would stall, and not read either.
  Task<> drop_until_acknowledged(Direction& from) {
    auto either = any(see_everything_acknowledged(from.from.in), drop_rest(from));
    co_await unless_idle(std::move(either));
  }

  Task<> see_everything_acknowledged(Stream& stream) {
    const bool unbounded = rules_.until == Until::both && !rules_.eof_timeout;
    const auto deadline = unbounded ? never : after(grace());
    const bool taken = co_await stream.wait_until_acknowledged(deadline, &tally_.last_byte);
    if (!taken)
      throw TimedOut(text("{} bytes were not acknowledged by {} within {:g} s",
                          sockx::unacknowledged(stream.facts()).value_or(0), stream.name(),
                          seconds(grace())));
  }

  Duration grace() const { return rules_.eof_timeout.value_or(usual_grace); }

  PumpControl control_of(Direction& direction) {
    return {direction.rate ? &*direction.rate : nullptr, &tally_.last_byte, &direction.counter};
  }

  template <class... Arguments>
  void detail(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    tell_({RelayEvent::Kind::detail, text(format, std::forward<Arguments>(arguments)...)});
  }

  EventLoop& loop_;
  Duplex first_, second_;
  RelayRules rules_;
  Tally& tally_;
  RelayObserver tell_;
  Direction outward_, inward_;
  bool has_failed_ = false, is_complete_ = false;
  Clock::time_point first_end_{};
};

}  // namespace

Task<> relay(Duplex first, Duplex second, RelayRules rules, Tally& tally, RelayObserver tell) {
  Conversation conversation(co_await this_loop(), std::move(first), std::move(second), std::move(rules),
                            tally, std::move(tell));
  co_await conversation.run();
}

}  // namespace sockx

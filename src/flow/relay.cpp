#include "flow/relay.hpp"

#include <algorithm>
#include <vector>

#include "flow/pumping.hpp"
#include "flow/task_group.hpp"
#include "os/calls.hpp"
#include "os/error.hpp"
#include "os/text.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

constexpr Duration usual_grace = 5s;  // for what is left to do once our side has decided to stop

class Conversation {
 public:
  Conversation(EventLoop& loop, NearSide near, FarSide far, RelayOptions options, Tally& tally,
               RelayObserver tell)
      : loop_(loop),
        near_(near),
        far_(far),
        options_(std::move(options)),
        tally_(tally),
        tell_(std::move(tell)),
        outward_(near_.in, far_.stream, options_.outward),
        inward_(far_.stream, near_.out, options_.inward) {
    if (!options_.rate) return;
    outward_rate_.emplace(*options_.rate);
    inward_rate_.emplace(*options_.rate);
  }
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;
  ~Conversation() {
    if (far_.cut != nullptr && !has_failed_ && has_caught_up()) far_.cut->note_caught_up();
  }

  Task<> run() {
    try {
      co_await run_to_the_end();
    } catch (...) {
      has_failed_ = true;
      if (far_.cut != nullptr) far_.cut->fail();
      throw;
    }
  }

 private:
  Task<> run_to_the_end() {
    auto conversing = converse();
    co_await unless_idle(std::move(conversing));
    if (outward_failure_) std::rethrow_exception(outward_failure_);
    co_await deliver_what_was_read();
    if (!options_.leave_open) {
      co_await finish();
    }
  }

  /// With the limit for silence, which is not for the end: that has limits of its own.
  Task<> unless_idle(Task<> task) {
    std::vector<Task<>> tasks;
    if (options_.idle_timeout)
      tasks.push_back(watch_for_idleness(*options_.idle_timeout, tally_.last_byte, far_.stream));
    tasks.push_back(std::move(task));
    co_await any(std::move(tasks));
  }

  /// Until the session is over as the user defines it. What is still running then is cancelled.
  Task<> converse() {
    TaskGroup group(loop_);
    group.spawn(carry_outward());
    if (options_.hears_peer)
      group.spawn(carry_inward());
    else
      end_output();
    bool warns_of_silence = false, warns_of_silent_peer = false, drops = false;
    while (!is_over() || (outward_failure_ && !peer_ended_ && !enough_)) {
      const bool second = local_ended_ || peer_ended_;
      const auto limit = outward_failure_ ? options_.eof_timeout.value_or(usual_grace) : options_.eof_timeout;
      const auto deadline = second && limit ? first_end_ + *limit : never;
      const bool in_time = co_await group.next_end(deadline);
      if (!in_time && outward_failure_) break;
      if (!in_time)
        throw TimedOut(
            text("{} has not ended {:g} s after {} did", local_ended_ ? far_.stream.name() : near_.in.name(),
                 seconds(*options_.eof_timeout), local_ended_ ? near_.in.name() : far_.stream.name()));
      if (peer_ended_ && !local_ended_ && !std::exchange(warns_of_silence, true))
        group.spawn(warn_of_silence());
      if (fin_sent_ && !peer_ended_ && options_.hears_peer && !std::exchange(warns_of_silent_peer, true))
        group.spawn(warn_of_silent_peer());
      if (reader_left_ && !std::exchange(drops, true)) group.spawn(drop_the_rest());
    }
    group.throw_failure();  // of a direction that failed in the same moment in which the other ended
  }

  /// Whether everything that our input has given so far has been sent, and it gives nothing at this moment.
  bool has_caught_up() {
    if (outward_.is_holding()) return false;
    try {
      return near_.in.look_ahead().state != IoResult::State::moved;
    } catch (const Error&) {
      return false;
    }
  }

  bool is_over() const {
    if (enough_) return true;
    switch (options_.until) {
      case Until::both:
        return local_ended_ && (peer_ended_ || reader_left_ || !options_.hears_peer);
      case Until::local:
        return local_ended_;
      case Until::peer:
        return peer_ended_;
      case Until::either:
        return local_ended_ || peer_ended_;
    }
    return true;
  }

  /// A peer that resets may have said why before: what it said is still delivered, and then the failure
  /// thrown.
  Task<> carry_outward() {
    try {
      co_await run_pump(outward_, pacing(outward_rate_, tally_.sent));
    } catch (const SinkGone&) {
      fin_sent_ = true;  // nobody is there to take it, and nothing was lost
    } catch (const Error& error) {
      if (error.origin() != far_.stream.facts().origin) throw;
      outward_failure_ = std::current_exception();
    }
    local_ended_ = true;
    if (!peer_ended_) first_end_ = loop_.now();
    detail("{} has ended after {}", near_.in.name(), counted(tally_.sent, "byte"));
    if (options_.half_close && !outward_failure_) {
      co_await send_fin();
    }
    if (!outward_failure_) note_everything_sent();
  }

  Task<> carry_inward() {
    if (options_.receive) {
      co_await options_.receive();
      enough_ = true;
      end_output();
      co_return;
    }
    try {
      co_await run_pump(inward_, pacing(inward_rate_, tally_.received));
    } catch (const Error& error) {
      if (!options_.reader_may_leave || error.number() != EPIPE || error.origin() != near_.out.facts().origin)
        throw;
      reader_left_ = true;
    }
    enough_ = has_reached_limit();  // a record is taken whole
    if (reader_left_)
      detail("{} is read no further after {}", near_.out.name(), counted(tally_.received, "byte"));
    else if (enough_)
      detail("{} received: that is enough", counted(tally_.received, "byte"));
    else
      note_end_of_peer();
    end_output();
  }

  /// Whoever reads behind us sees the end now, and not only when all is over.
  void end_output() {
    if (near_.out.facts().is_socket()) return shutdown_write(near_.out.facts());
    check_written(near_.out.facts());
    near_.out.close();
  }

  /// Nobody wants what the peer says any more, but a peer that cannot get rid of it would stall.
  Task<> drop_the_rest() {
    co_await far_.stream.drain(never, &tally_.last_byte);
    note_end_of_peer();
  }

  void note_end_of_peer() {
    peer_ended_ = true;
    if (!local_ended_) first_end_ = loop_.now();
    detail("{} has ended after {}", far_.stream.name(), counted(tally_.received, "byte"));
  }

  Task<> warn_of_silence() {
    std::uint64_t before = 0;
    do {
      before = outward_.bytes();
      co_await loop_.sleep_until(after(options_.silence_before_warning));
    } while (outward_.bytes() != before);
    tell_({RelayEvent::Kind::warning,
           text("{} has ended, but {} has not and is silent; to stop when the peer ends, say --until peer",
                far_.stream.name(), near_.in.name())});
  }

  /// A peer that still reads has its time for that.
  Task<> warn_of_silent_peer() {
    Clock::time_point before;
    std::size_t waiting = 0;
    do {
      before = tally_.last_byte;
      co_await loop_.sleep_until(after(options_.peer_silence_before_warning));
      waiting = unacknowledged(far_.stream.facts()).value_or(0);
    } while (tally_.last_byte != before || waiting > 0);
    if (peer_ended_) co_return;
    tell_({RelayEvent::Kind::warning,
           text("{} has ended and {} has taken everything, but is silent and has not closed; --eof-timeout "
                "bounds the wait",
                near_.in.name(), far_.stream.name())});
  }

  Task<> deliver_what_was_read() {
    if (!local_ended_) {
      co_await deliver_rest(outward_, tally_.sent);
    }
    if (!peer_ended_ && !enough_ && !reader_left_ && options_.hears_peer) {
      co_await deliver_rest(inward_, tally_.received);
    }
  }

  /// Tells the peer that we are done and lets it finish.
  Task<> finish() {
    const auto grace = this->grace();
    co_await send_fin();
    note_everything_sent();
    if (!peer_ended_ && has_reached_limit()) {
      co_await drop_until_acknowledged();
    } else if (!peer_ended_) {
      const bool closed = co_await far_.stream.drain(after(grace));
      if (!closed && unacknowledged(far_.stream.facts()).value_or(0) == 0)
        tell_({RelayEvent::Kind::warning, text("{} has taken everything, but has not closed within {:g} s",
                                               far_.stream.name(), seconds(grace))});
    }
    tally_.last_byte = loop_.now();
    auto seeing = see_everything_acknowledged();
    co_await unless_idle(std::move(seeing));
  }

  bool has_reached_limit() const { return inward_.bytes() >= options_.inward.limit; }

  /// What comes meanwhile is dropped: a peer that cannot get rid of it would stall, and not read either.
  Task<> drop_until_acknowledged() {
    std::vector<Task<>> tasks;
    tasks.push_back(see_everything_acknowledged());
    tasks.push_back(drop_the_rest());
    auto either = any(std::move(tasks));
    co_await unless_idle(std::move(either));
  }

  Task<> see_everything_acknowledged() {
    const bool unbounded = options_.until == Until::both && !options_.eof_timeout;
    const auto deadline = unbounded ? never : after(grace());
    const bool taken = co_await far_.stream.wait_until_acknowledged(deadline, &tally_.last_byte);
    if (!taken)
      throw TimedOut(text("{} bytes were not acknowledged by {} within {:g} s",
                          unacknowledged(far_.stream.facts()).value_or(0), far_.stream.name(),
                          seconds(grace())));
  }

  Task<> deliver_rest(Pump& pump, std::uint64_t& counter) {
    pump.stop_input();
    co_await bounded(run_pump(pump, {nullptr, nullptr, &counter}), after(grace()),
                     text("{} did not take what was left within {:g} s", pump.to().name(), seconds(grace())));
  }

  Duration grace() const { return options_.eof_timeout.value_or(usual_grace); }

  Pacing pacing(std::optional<RateLimit>& rate, std::uint64_t& counter) {
    return {rate ? &*rate : nullptr, &tally_.last_byte, &counter};
  }

  Task<> send_fin() {
    if (std::exchange(fin_sent_, true)) co_return;
    co_await far_.stream.finish_writing();
  }

  void note_everything_sent() {
    if (far_.cut != nullptr) far_.cut->complete();
  }

  static double seconds(Duration span) { return std::chrono::duration<double>(span).count(); }

  template <class... Arguments>
  void detail(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    tell_({RelayEvent::Kind::detail, text(format, std::forward<Arguments>(arguments)...)});
  }

  EventLoop& loop_;
  NearSide near_;
  FarSide far_;
  RelayOptions options_;
  Tally& tally_;
  RelayObserver tell_;
  Pump outward_, inward_;
  std::exception_ptr outward_failure_;
  std::optional<RateLimit> outward_rate_, inward_rate_;
  bool local_ended_ = false, peer_ended_ = false, fin_sent_ = false;
  bool enough_ = false, reader_left_ = false, has_failed_ = false;
  Clock::time_point first_end_{};
};

}  // namespace

Task<> relay(NearSide near, FarSide far, RelayOptions options, Tally& tally, RelayObserver tell) {
  Conversation conversation(co_await this_loop(), near, far, options, tally, std::move(tell));
  co_await conversation.run();
}

}  // namespace sockx

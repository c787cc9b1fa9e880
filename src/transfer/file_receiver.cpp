#include "transfer/file_receiver.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "base/error.hpp"
#include "base/non_copyable.hpp"
#include "base/text.hpp"
#include "flow/idle_timeout.hpp"
#include "flow/run_pump.hpp"
#include "flow/stream.hpp"
#include "flow/task_group.hpp"
#include "os/calls.hpp"

namespace sockx {

namespace {

constexpr Duration time_to_finish = std::chrono::seconds(1);

class Receiving : NonCopyable {
 public:
  Receiving(EventLoop& loop, Connection connection, UniqueFd sink, Descriptor described_sink,
            ReceiveOptions options, TransferStats& stats)
      : loop_(loop),
        options_(options),
        stats_(stats),
        waits_before_(loop.waits()),
        peer_(std::move(connection.stream)),
        sink_(loop, std::move(sink), std::move(described_sink)),
        pump_(peer_, sink_, {options.method, 0, limit()}) {}
  ~Receiving() {
    stats_.system_calls = pump_.calls() + loop_.waits() - waits_before_;
    stats_.method = pump_.method();
    stats_.why_fell_back = pump_.why_fell_back();
  }

  Task<> run(const std::function<void()>& complete) {
    stats_.awaits_sender = true;
    try {
      co_await receive_in_time();
    } catch (...) {
      stats_.awaits_sender = false;
      throw;
    }
    stats_.awaits_sender = false;
    complete();
    set_reset_on_close(peer_.facts().fd, false);
    if (peer_.is_plain()) co_return;  // closing it says the end
    auto finishing = peer_.finish_writing(after(time_to_finish));
    co_await outcome_of(std::move(finishing));  // the sender has ended: it may not be there any more
  }

 private:
  Task<> receive_in_time() {
    auto receiving =
        any(watch_for_idleness(options_.idle_timeout, stats_.last_byte), warn_of_silence(), receive());
    try {
      std::string too_late = "the deadline has passed";
      co_await with_deadline(std::move(receiving), options_.deadline, std::move(too_late));
    } catch (const TimedOut& reason) {
      throw_if_short(reason);
      throw;
    } catch (const Error& reason) {
      if (reason.origin() == Origin::peer) throw_if_short(reason);
      throw;
    }
  }

  std::uint64_t limit() const {
    constexpr auto none = std::numeric_limits<std::uint64_t>::max();
    return std::min(options_.expected.value_or(none), options_.most.value_or(none));
  }

  /// If the size is known, too few bytes are Incomplete, whatever the reason.
  void throw_if_short(const std::exception& reason) const {
    if (options_.expected && pump_.bytes() < *options_.expected)
      throw Incomplete(
          text("{} of {} arrived: {}", pump_.bytes(), counted(*options_.expected, "byte"), reason.what()));
  }

  Task<> receive() {
    co_await run_pump(pump_, {nullptr, &stats_.last_byte, &stats_.bytes});
    if (pump_.bytes() == limit()) {
      stats_.is_finishing = true;
      const bool ended = co_await has_ended();
      if (!ended)
        throw Incomplete(text("{} sends more than the {} bytes that {}", peer_.name(), limit(),
                              options_.expected == limit() ? "were expected" : "are allowed"));
    }
    if (options_.expected && pump_.bytes() < *options_.expected)
      throw Incomplete(
          text("{} of {} arrived from {}", pump_.bytes(), counted(*options_.expected, "byte"), peer_.name()));
  }

  /// Never ends.
  Task<> warn_of_silence() {
    for (;;) {
      const auto limit = stats_.last_byte + patience_before_warning;
      if (loop_.now() >= limit) break;
      co_await loop_.sleep_until(limit);
    }
    const auto what = stats_.is_finishing
                          ? text("all bytes have come from {}: waiting for its end", peer_.name())
                          : text("nothing from {} for 2 s: waiting for more, or for its end", peer_.name());
    options_.tell_silent(what);
    co_await loop_.sleep_until(never);
  }

  /// Waits for the next byte. Returns whether there is the end instead.
  Task<bool> has_ended() {
    std::array<std::byte, 1> extra;
    for (;;) {
      const auto got = peer_.read_some(extra);
      if (got.state != IoResult::State::again) co_return got.state == IoResult::State::eof;
      co_await peer_.readable();
    }
  }

  EventLoop& loop_;
  ReceiveOptions options_;
  TransferStats& stats_;
  std::uint64_t waits_before_;
  Stream peer_, sink_;
  Pump pump_;
};

}  // namespace

Task<> receive_file(Connection connection, UniqueFd sink, Descriptor described_sink, ReceiveOptions options,
                    TransferStats& stats, std::function<void()> complete) {
  Receiving receiving(co_await this_loop(), std::move(connection), std::move(sink), std::move(described_sink),
                      options, stats);
  co_await receiving.run(complete);
}

}  // namespace sockx

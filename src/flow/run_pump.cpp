#include "flow/run_pump.hpp"

#include <limits>
#include <optional>

#include "base/error.hpp"
#include "base/on_exit.hpp"
#include "flow/file_reader.hpp"

namespace sockx {

namespace {

/// The reader of the sink has closed. That is no failure when only the end of the source was still to come:
/// GNU tar exits after the last record of an archive and does not wait for that end.
Task<> await_end_of_source(const Pump& pump) {
  auto& from = pump.from();
  if (pump.to().facts().is_socket()) pump.sink_hung_up();
  const auto last_chance = after(std::chrono::seconds(1));
  for (;;) {
    const auto waiting = from.look_ahead();
    if (waiting.state == IoResult::State::eof) co_return;
    if (waiting.state == IoResult::State::moved) pump.sink_hung_up();
    from.watch().forget_readable();
    const bool has_come = co_await from.readable(last_chance);
    if (!has_come) pump.sink_hung_up();
  }
}

/// Nothing when the reader has closed and no byte in hand would be lost.
std::optional<Pump::State> step(Pump& pump, std::uint64_t most) try {
  return pump.step(most);
} catch (const Error& error) {
  const bool is_sink = error.number() == EPIPE && error.origin() == pump.to().facts().origin;
  if (!is_sink || pump.to().facts().is_socket() || pump.is_holding()) throw;
  return {};
}

}  // namespace

Task<> run_pump(Pump& pump, PumpControl control) {
  auto& loop = co_await this_loop();
  auto& from = pump.from().watch();
  auto& to = pump.to().watch();
  const auto count = [&] {
    if (control.bytes != nullptr) *control.bytes = pump.bytes();
  };
  const OnExit counting(count);
  for (;;) {
    constexpr auto no_limit = std::numeric_limits<std::uint64_t>::max();
    const auto most = control.rate ? control.rate->allowance(Clock::now()) : no_limit;
    if (most == 0) {
      co_await loop.sleep_until(control.rate->worth_waking());
      continue;
    }
    const auto before = pump.bytes(), taken_before = pump.taken();
    const auto state = step(pump, most);
    count();
    if (pump.bytes() != before && control.last_byte) *control.last_byte = loop.now();
    if (control.rate) control.rate->spend(static_cast<std::int64_t>(pump.taken() - taken_before));
    if (!state) {
      co_await await_end_of_source(pump);
      co_return;
    }
    switch (*state) {
      case Pump::State::wants_input:
      case Pump::State::drained:
        if (state == Pump::State::drained)
          from.forget_readable_after_short_read();
        else
          from.forget_readable();
        co_await from.readable_or_hung_up(to);
        if (to.is_hung_up()) {
          co_await await_end_of_source(pump);
          co_return;
        }
        break;
      case Pump::State::wants_file: {
        const auto piece = pump.wanted_piece();
        const auto read = co_await read_beside(loop, piece.file, piece.offset, piece.bytes);
        pump.note_wanted_piece(read);
        break;
      }
      case Pump::State::wants_output: {
        // When the rate allows more, there is no need to wait until the bytes in hand are written.
        const auto until = control.rate && control.rate->is_spent() ? control.rate->worth_waking() : never;
        to.forget_writable();
        co_await to.writable(until);
        break;
      }
      case Pump::State::under_way: {
        // For this wait only: the next step may replace the method, which closes its descriptor.
        Watch completion(loop, pump.completion_fd());
        co_await completion.readable();
        break;
      }
      case Pump::State::yielded:
        co_await loop.next_turn();
        break;
      case Pump::State::held:
        co_await loop.sleep_until(pump.held_until());
        break;
      case Pump::State::finished:
        co_return;
    }
  }
}

}  // namespace sockx

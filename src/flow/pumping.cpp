#include "flow/pumping.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "os/error.hpp"
#include "os/text.hpp"

namespace sockx {

namespace {

/// Keeps a counter equal to the pump's, whichever way the driver is left.
class Counting {
 public:
  Counting(const Pump& pump, std::uint64_t* counter) : pump_(pump), counter_(counter) {}
  Counting(const Counting&) = delete;
  Counting& operator=(const Counting&) = delete;
  ~Counting() { update(); }
  void update() const {
    if (counter_ != nullptr) *counter_ = pump_.bytes();
  }

 private:
  const Pump& pump_;
  std::uint64_t* counter_;
};

}  // namespace

Task<> run_pump(Pump& pump, Watch& from, Watch& to, Pacing pacing) {
  auto& loop = co_await this_loop();
  const Counting counting(pump, pacing.bytes);
  for (;;) {
    constexpr auto no_limit = std::numeric_limits<std::uint64_t>::max();
    const auto most = pacing.rate ? pacing.rate->allowance(Clock::now()) : no_limit;
    if (most == 0) {
      co_await loop.sleep_until(pacing.rate->worth_waking());
      continue;
    }
    const auto before = pump.bytes();
    const auto state = pump.step(most);
    counting.update();
    if (pump.bytes() != before && pacing.last_byte) *pacing.last_byte = loop.now();
    if (pacing.rate) pacing.rate->spend(pump.bytes() - before);
    switch (state) {
      case Pump::State::wants_input:
        from.forget_readable();
        co_await from.readable_or_hung_up(to);
        if (to.is_hung_up()) pump.sink_hung_up();
        break;
      case Pump::State::wants_output:
        to.forget_writable();
        co_await to.writable();
        break;
      case Pump::State::yielded:
        co_await loop.next_turn();
        break;
      case Pump::State::finished:
        co_return;
    }
  }
}

Task<> watch_for_idleness(Duration limit, const Clock::time_point& last_byte) {
  auto& loop = co_await this_loop();
  while (loop.now() - last_byte < limit) {
    co_await loop.sleep_until(last_byte + limit);
  }
  throw TimedOut(
      text("no byte in either direction for {:g} s", std::chrono::duration<double>(limit).count()));
}

double RateLimit::slice() const { return std::max(1.0, rate_ / 200); }

std::uint64_t RateLimit::allowance(Clock::time_point now) {
  if (counted_ == Clock::time_point::min()) counted_ = now;
  const double most_saved = std::max(1.0, rate_ / 50);
  credit_ = std::min(credit_ + rate_ * std::chrono::duration<double>(now - counted_).count(), most_saved);
  counted_ = now;
  return credit_ < slice() ? 0 : static_cast<std::uint64_t>(credit_);
}

Clock::time_point RateLimit::worth_waking() const {
  const std::chrono::duration<double> wait((slice() - credit_) / rate_);
  return counted_ + std::chrono::ceil<Duration>(wait);
}

}  // namespace sockx

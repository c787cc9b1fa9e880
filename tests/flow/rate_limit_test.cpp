#include "flow/rate_limit.hpp"

#include <doctest/doctest.h>

using namespace sockx;
using namespace std::chrono_literals;

namespace {

constexpr Clock::time_point start{1000s};  // of a made-up clock

}  // namespace

TEST_CASE("rate limit: it allows a slice of a two-hundredth of a second at a time") {
  RateLimit rate(20'000);
  CHECK(rate.allowance(start) == 0);
  CHECK(rate.worth_waking() == start + 5ms);
  CHECK(rate.allowance(start + 4ms) == 0);
  CHECK(rate.worth_waking() == start + 5ms);
  CHECK(rate.allowance(start + 5ms) == 100);
  CHECK(rate.allowance(start + 5ms) == 100);  // not spent yet
  rate.spend(100);
  CHECK(rate.allowance(start + 5ms) == 0);
  CHECK(rate.worth_waking() == start + 10ms);
}

TEST_CASE("rate limit: a stall is not followed by a burst") {
  RateLimit rate(20'000);
  CHECK(rate.allowance(start) == 0);
  CHECK(rate.allowance(start + 1h) == 400);
}

TEST_CASE("rate limit: what was moved beyond the allowance is waited for") {
  RateLimit rate(20'000);
  CHECK(rate.allowance(start) == 0);
  CHECK(rate.allowance(start + 5ms) == 100);
  rate.spend(300);
  CHECK(rate.worth_waking() == start + 20ms);
  CHECK(rate.allowance(start + 19ms) == 0);
  CHECK(rate.allowance(start + 20ms) == 100);
}

TEST_CASE("rate limit: woken when it says the rate is kept exactly, however low or high") {
  for (const std::uint64_t bytes_per_second : {1ULL, 7ULL, 1000ULL, 1234567ULL, 10'000'000'000ULL}) {
    CAPTURE(bytes_per_second);
    RateLimit rate(bytes_per_second);
    auto now = start;
    std::uint64_t moved = 0;
    int wakes = 0;
    while (now < start + 100s) {
      const auto allowed = rate.allowance(now);
      moved += allowed;
      rate.spend(allowed);
      const auto next = rate.worth_waking();
      REQUIRE(next > now);
      now = next;
      ++wakes;
    }
    const auto ideal = static_cast<double>(bytes_per_second) * 100;
    CHECK(static_cast<double>(moved) >= ideal * 0.999 - 1);
    CHECK(static_cast<double>(moved) <= ideal);
    CHECK(wakes <= 2 * 100 * 200 + 1);
  }
}

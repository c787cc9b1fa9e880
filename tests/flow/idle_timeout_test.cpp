#include "flow/idle_timeout.hpp"

#include <doctest/doctest.h>

#include <array>
#include <optional>

#include "../support/descriptors.hpp"
#include "../support/far_ends.hpp"
#include "base/error.hpp"
#include "flow/task_group.hpp"

using namespace sockx;
using namespace test;
using namespace std::chrono_literals;

TEST_CASE("Idleness: bytes that nobody acknowledges put the end off by no more than an eighth") {
  const auto begin = Clock::now();
  Idleness idleness(2s, Idleness::usual_pause(2s), begin);
  CHECK(idleness.next_look() == begin + 250ms);
  CHECK_FALSE(idleness.look(begin + 250ms, begin, 100'000));  // they were sent at the beginning
  CHECK_FALSE(idleness.look(begin + 2s, begin, 100'000));
  CHECK(idleness.next_look() == begin + 2250ms);
  CHECK(idleness.look(begin + 2250ms, begin, 100'000));
}

TEST_CASE("Idleness: bytes that wait from the beginning on are no change") {
  const auto begin = Clock::now();
  Idleness idleness(2s, Idleness::usual_pause(2s), begin, 100'000);
  CHECK(idleness.look(begin + 2s, begin, 100'000));
}

TEST_CASE("watch_for_idleness: it throws at once when the last byte is old") {
  EventLoop loop;
  const auto long_ago = Clock::now() - 1h;
  CHECK_THROWS_WITH_AS(loop.run(watch_for_idleness(1s, long_ago)), "no byte in either direction for 1 s",
                       TimedOut);
}

TEST_CASE("watch_for_idleness: without a limit it never ends") {
  EventLoop loop;
  const auto long_ago = Clock::now() - 1h;
  const auto pause = [](EventLoop& its_loop) -> Task<> { co_await its_loop.next_turn(); };
  loop.run(any(watch_for_idleness(std::nullopt, long_ago), pause(loop)));
}

TEST_CASE("watch_for_idleness: a peer that reads what has long been sent puts the end off") {
  static constexpr auto limit = 40ms;
  auto ends = unix_pair();
  fill(ends.ours.get());
  Clock::time_point last_read{};
  const auto read_slowly = [&]() -> Task<> {
    auto& loop = co_await this_loop();
    std::array<char, 8192> buffer;
    for (int i = 0; i < 10; ++i) {
      co_await loop.sleep_until(after(limit / 4));
      REQUIRE(read(ends.theirs.get(), buffer.data(), buffer.size()) > 0);
      last_read = loop.now();
    }
    co_await loop.sleep_until(never);
  };
  EventLoop loop;
  const auto ours = Stream::borrow(loop, described(ends.ours, "peer"));
  const auto last_byte = Clock::now();
  CHECK_THROWS_AS(loop.run(all(read_slowly(), watch_for_idleness(limit, last_byte, ours))), TimedOut);
  CHECK(loop.now() >= last_read + limit);
}

TEST_CASE("watch_for_idleness: every byte puts the end off") {
  static constexpr auto limit = 20ms;
  const auto move_bytes = [](Clock::time_point& last_byte) -> Task<> {
    auto& loop = co_await this_loop();
    for (int i = 0; i < 5; ++i) {
      co_await loop.sleep_until(after(limit / 4));
      last_byte = loop.now();
    }
    co_await loop.sleep_until(never);
  };
  EventLoop loop;
  auto last_byte = Clock::now();
  CHECK_THROWS_AS(loop.run(all(move_bytes(last_byte), watch_for_idleness(limit, last_byte))), TimedOut);
  CHECK(loop.now() >= last_byte + limit);
}

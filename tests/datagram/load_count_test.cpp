#include "datagram/load_count.hpp"

#include <doctest/doctest.h>

using namespace sockx;

namespace {

void take(LoadCount& count, std::uint64_t sequence, std::uint64_t now = 0) {
  count.take({LoadHeader::Kind::load, 1, sequence, 0}, 100, now, true);
}

}  // namespace

TEST_CASE(
    "LoadCount: what is missing is lost, what comes late is reordered, what comes again is no second one") {
  LoadCount count;
  for (const std::uint64_t sequence : {0, 1, 5, 2, 2, 5, 6}) take(count, sequence);
  CHECK(count.report().sent == 7);
  count.end(10);
  const auto report = count.report();
  CHECK(report.sent == 10);
  CHECK(report.received == 5);
  CHECK(report.lost() == 5);
  CHECK(report.reordered == 1);
  CHECK(report.duplicated == 2);
  CHECK(report.bytes == 500);
}

TEST_CASE("LoadCount: numbers far apart, and more of them than the window has, are told apart") {
  LoadCount count;
  for (std::uint64_t sequence = 0; sequence < 3 * LoadCount::window; ++sequence) take(count, sequence);
  CHECK(count.report().duplicated == 0);
  CHECK(count.report().received == 3 * LoadCount::window);
  take(count, 3 * LoadCount::window - 5);
  CHECK(count.report().duplicated == 1);
  take(count, 100 * LoadCount::window);
  take(count, 100 * LoadCount::window - 7);
  CHECK(count.report().duplicated == 1);
  CHECK(count.report().reordered == 1);
}

TEST_CASE("LoadCount: the greatest numbers there are have no number above them, and are counted") {
  LoadCount count;
  for (const auto sequence : {UINT64_MAX - 9, UINT64_MAX, UINT64_MAX, UINT64_MAX - 9, UINT64_MAX - 1})
    take(count, sequence);
  const auto report = count.report();
  CHECK(report.sent == UINT64_MAX);
  CHECK(report.received == 3);
  CHECK(report.reordered == 1);
  CHECK(report.duplicated == 2);
}

// Each would cost most of a millisecond if the numbers between were visited.
TEST_CASE("LoadCount: numbers that are left out cost nothing") {
  LoadCount count;
  constexpr std::uint64_t times = 1'000'000;
  for (std::uint64_t i = 1; i <= times; ++i) take(count, i * (LoadCount::window - 1));
  CHECK(count.report().received == times);
  CHECK(count.report().sent == times * (LoadCount::window - 1) + 1);
}

TEST_CASE("LoadCount: times that no clock tells are jitter, and nothing worse") {
  LoadCount count;
  for (std::uint64_t i = 0; i < 100; ++i)
    count.take({LoadHeader::Kind::load, 1, i, i % 2 == 0 ? UINT64_MAX : 1}, 10, i % 2 == 0 ? 0 : UINT64_MAX,
               true);
  CHECK(count.report().has_jitter());
  CHECK(count.report().nanoseconds == UINT64_MAX);
}

TEST_CASE("LoadCount: the jitter of equal distances is none, and of trains it is not told") {
  LoadCount even, uneven, grouped;
  for (std::uint64_t i = 0; i < 100; ++i) {
    even.take({LoadHeader::Kind::load, 1, i, 1 + i * 1000}, 10, i * 1000 + 77, true);
    uneven.take({LoadHeader::Kind::load, 1, i, 1 + i * 1000}, 10, i * 1000 + (i % 2) * 160, true);
    grouped.take({LoadHeader::Kind::load, 1, i, 1 + i * 1000}, 10, i * 1000, i != 50);
  }
  CHECK(even.report().jitter == 0);
  CHECK(uneven.report().jitter == doctest::Approx(160).epsilon(0.05));
  CHECK_FALSE(grouped.report().has_jitter());
  LoadCount unpaced;
  for (std::uint64_t i = 0; i < 3; ++i) take(unpaced, i, i);
  CHECK_FALSE(unpaced.report().has_jitter());
}

TEST_CASE("LoadReport and LoadHeader are read as they were written, and nothing else is") {
  LoadReport report{10, 9, 900, 1, 2, 12345, 67};
  const auto bytes = report.datagram(77);
  const auto read = LoadReport::read(bytes, 77);
  REQUIRE(read);
  CHECK(read->sent == 10);
  CHECK(read->received == 9);
  CHECK(read->bytes == 900);
  CHECK(read->reordered == 1);
  CHECK(read->duplicated == 2);
  CHECK(read->nanoseconds == 12345);
  CHECK(read->jitter == 67);
  CHECK_FALSE(LoadReport::read(bytes, 78));
  auto too_long = report;
  too_long.nanoseconds = UINT64_MAX;  // more than a duration holds
  CHECK_FALSE(LoadReport::read(too_long.datagram(77), 77));
  CHECK_FALSE(LoadReport::read(std::span(bytes).first(bytes.size() - 1), 77));
  CHECK_FALSE(LoadHeader::read(std::span(bytes).first(23)));
  CHECK_FALSE(LoadHeader::read(std::vector<std::byte>(100)));
}

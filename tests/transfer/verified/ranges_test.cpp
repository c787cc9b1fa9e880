// RangeSet, against one bit for each byte.
#include "transfer/verified/ranges.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace sockx;

namespace {

constexpr std::uint64_t file_size = 60;
using Bitmap = std::vector<bool>;

/// The stretches of bits that are `value`, within `range`.
std::vector<Range> stretches(const Bitmap& bits, bool value, const Range& range) {
  std::vector<Range> all;
  for (auto at = range.offset; at < range.end(); ++at) {
    if (bits[at] != value) continue;
    if (!all.empty() && all.back().end() == at)
      ++all.back().length;
    else
      all.push_back({at, 1});
  }
  return all;
}

}  // namespace

TEST_CASE("ranges: a RangeSet says of every range what a bitmap says") {
  std::mt19937 random(7);
  const auto any = [&] {
    const auto offset = random() % file_size;
    return Range{offset, random() % (file_size - offset + 1) / (random() % 4 + 1)};
  };
  for (int round = 0; round < 300; ++round) {
    RangeSet set;
    Bitmap bits(file_size, false);
    for (int step = 0; step < 12; ++step) {
      const auto range = any(), asked = any();
      set.add(range);
      std::fill_n(bits.begin() + static_cast<std::ptrdiff_t>(range.offset), range.length, true);
      REQUIRE(set.ranges() == stretches(bits, true, {0, file_size}));
      REQUIRE(set.bytes() == static_cast<std::uint64_t>(std::count(bits.begin(), bits.end(), true)));
      REQUIRE(set.count() == set.ranges().size());
      REQUIRE(set.end() == (set.ranges().empty() ? 0 : set.ranges().back().end()));
      REQUIRE(set.missing_from(asked) == stretches(bits, false, asked));
      REQUIRE(set.overlaps(asked) == !stretches(bits, true, asked).empty());
    }
  }
}

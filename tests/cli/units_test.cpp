#include "cli/units.hpp"

#include <doctest/doctest.h>

#include "base/error.hpp"

using namespace sockx;
using namespace std::chrono_literals;

TEST_CASE("units: durations have a unit or are seconds") {
  CHECK(parse_duration("250ms") == 250ms);
  CHECK(parse_duration("2s") == 2s);
  CHECK(parse_duration("1.5m") == 90s);
  CHECK(parse_duration("1h") == 1h);
  CHECK(parse_duration("0.5") == 500ms);
  CHECK(parse_duration("0") == 0s);
  CHECK(parse_duration(".25") == 250ms);
  CHECK(parse_duration("2.") == 2s);
  CHECK(parse_duration("0.1ms") == 100us);
}

TEST_CASE("units: what is no duration is refused with the word in quotes") {
  for (const auto* word :
       {"", "x", "-1", "1x", "1 s", "nan", "inf", "1e3", "ms", "0x10", ".", ".s", "1.2.3", "+1", " 1"}) {
    CAPTURE(word);
    CHECK_THROWS_WITH_AS(parse_duration(word), doctest::Contains(("'" + std::string(word) + "'").c_str()),
                         BadInput);
  }
}

TEST_CASE("units: sizes take powers of 1000 and of 1024") {
  CHECK(parse_size("4096") == 4096);
  CHECK(parse_size("64Ki") == 65536);
  CHECK(parse_size("64KiB") == 65536);
  CHECK(parse_size("10k") == 10000);
  CHECK(parse_size("1.5G") == 1500000000);
  CHECK(parse_size("1.0005k") == 1001);  // to the nearest, and a half up
  CHECK(parse_size("1.0004k") == 1000);
  CHECK(parse_size("9007199254740993") == 9007199254740993);  // more bits than a double holds
  CHECK(parse_size("9007199254740993B") == 9007199254740993);
}

TEST_CASE("units: what is no size is refused with the word in quotes") {
  for (const auto* word : {"", "B", "-1", "1m", "1 Ki", "nan", "1e20", "99999999999T"}) {
    CAPTURE(word);
    CHECK_THROWS_WITH_AS(parse_size(word), doctest::Contains(("'" + std::string(word) + "'").c_str()),
                         BadInput);
  }
}

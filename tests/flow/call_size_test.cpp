#include "flow/call_size.hpp"

#include <doctest/doctest.h>

using namespace sockx;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t KiB = 1024;

/// A call that moves all that it was asked for.
void call(CallSize& size, Duration took) { size.note(took, size.bytes()); }

}  // namespace

TEST_CASE("call size: it begins at 64 KiB and doubles with each quick call up to the most") {
  CallSize size(1024 * KiB);
  for (const std::uint64_t expected : {64, 128, 256, 512, 1024, 1024}) {
    CHECK(size.bytes() == expected * KiB);
    call(size, 1ms);
  }
}

TEST_CASE("call size: it is halved after each slow call down to 64 KiB") {
  CallSize size(1024 * KiB);
  for (int i = 0; i < 5; ++i) call(size, 1ms);
  for (const std::uint64_t expected : {1024, 512, 256, 128, 64, 64}) {
    CHECK(size.bytes() == expected * KiB);
    call(size, 60ms);
  }
}

TEST_CASE("call size: quick calls between slow ones come from what the disk has read ahead") {
  CallSize size(1024 * KiB);
  for (int round = 0; round < 10; ++round) {
    call(size, 250ms);
    for (int i = 0; i < 4; ++i) call(size, 1ms);
    CHECK(size.bytes() == 64 * KiB);
  }
  for (int i = 0; i < 4; ++i) call(size, 1ms);  // now eight in a row
  CHECK(size.bytes() == 128 * KiB);
  call(size, 1ms);
  CHECK(size.bytes() == 256 * KiB);
}

TEST_CASE("call size: neither a call that was cut short nor one that was neither quick nor slow changes it") {
  CallSize size(1024 * KiB);
  size.note(1ms, 64 * KiB - 1);
  size.note(30ms, 64 * KiB);
  CHECK(size.bytes() == 64 * KiB);
  size.note(1ms, 200 * KiB);
  CHECK(size.bytes() == 128 * KiB);
}

TEST_CASE("call size: a most that is less than 64 KiB is the size of every call") {
  CallSize size(1000);
  CHECK(size.bytes() == 1000);
  call(size, 1ms);
  CHECK(size.bytes() == 1000);
  call(size, 60ms);
  CHECK(size.bytes() == 1000);
}

// The methods whose bytes are under way for a while, zerocopy and io-uring, through the Pump that drives
// them.
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "../../support/descriptors.hpp"
#include "../../support/far_ends.hpp"
#include "../../support/files.hpp"
#include "../../support/pump_between.hpp"
#include "flow/pump.hpp"
#include "flow/rate_limit.hpp"
#include "flow/run_pump.hpp"
#include "flow/task_group.hpp"

using namespace sockx;
using namespace test;
using namespace std::chrono_literals;

namespace {

constexpr TransferMethod slow_methods[]{TransferMethod::zero_copy, TransferMethod::io_uring};

/// A pump from a file of its own to a TCP connection.
struct Crossing {
  Crossing(const std::string& content, TransferMethod method, std::size_t chunk = 0)
      : path(write_file(folder / "source", content)),
        source(open(path.c_str(), O_RDONLY | O_CLOEXEC)),
        pump(describe(source.get(), "source", Origin::local_file),
             describe(sockets.ours.get(), "sink", Origin::peer),
             {.method = method, .chunk = chunk, .limit = content.size()}, &loop) {}

  /// Does not drive it through a ring, which has to be waited for.
  Pump::State step_until_it_waits() {
    auto state = pump.step();
    while (state == Pump::State::yielded) state = pump.step();
    return state;
  }

  EventLoop loop;
  Folder folder;
  std::string path;
  UniqueFd source;
  decltype(tcp_pair()) sockets = tcp_pair();
  PumpBetween pump;
};

Task<> drive(Crossing& line, PumpControl control = {}) {
  co_await run_pump(line.pump, control);
  shutdown(line.sockets.ours.get(), SHUT_WR);
}

Task<> collect(UniqueFd far, std::string& bytes, std::size_t piece) {
  FarEnd stream(co_await this_loop(), std::move(far));
  co_await read_to_end(stream, bytes, piece);
}

/// What arrives of it at a reader that takes so many bytes at a time.
std::string run_crossing(Crossing& line, std::size_t piece = 64 * 1024, PumpControl control = {}) {
  std::string received;
  line.loop.run(all(drive(line, control), collect(std::move(line.sockets.theirs), received, piece)));
  return received;
}

}  // namespace

TEST_CASE("under way: the same bytes arrive whatever the chunk and however slow the reader") {
  const auto content = noise(3'000'001);
  for (const auto method : slow_methods) {
    for (const std::size_t chunk :
         {0, 1000, 4097, 1'000'000}) {  // many small ones exhaust the room for notices
      for (const std::size_t piece : {12'345, 64 * 1024}) {
        CAPTURE(name_of(method));
        CAPTURE(chunk);
        CAPTURE(piece);
        Crossing line(content, method, chunk);
        CHECK(difference(run_crossing(line, piece), content) == "");
        CHECK(line.pump.bytes() == content.size());
        CHECK_FALSE(line.pump.is_holding());
        CHECK(lseek(line.source.get(), 0, SEEK_CUR) >= 0);
      }
    }
  }
}

TEST_CASE("zerocopy: what the socket still needs is in hand and does not count") {
  const auto content = noise(16 * 1024 * 1024);  // more than the buffers of both ends take
  Crossing line(content, TransferMethod::zero_copy);
  CHECK(line.step_until_it_waits() == Pump::State::wants_output);
  CHECK(line.pump.is_holding());
  CHECK(line.pump.bytes() < line.pump.taken());
  CHECK(line.pump.taken() < content.size());
  CHECK(difference(run_crossing(line), content) == "");
  CHECK(line.pump.bytes() == content.size());
}

TEST_CASE("zerocopy: it tells how much the kernel copied, which is all of it on loopback") {
  Crossing line(noise(1'000'000), TransferMethod::zero_copy);
  CHECK(line.pump.copied() == 0U);
  run_crossing(line);
  CHECK(line.pump.copied() == 1'000'000U);
  Crossing other(noise(1000), TransferMethod::mmap);
  CHECK_FALSE(other.pump.copied());
}

TEST_CASE("zerocopy: a socket that cannot, or that somebody else has set to it, is copied to") {
  Crossing set(noise(1000), TransferMethod::zero_copy);
  const int on = 1;
  REQUIRE(setsockopt(set.sockets.ours.get(), SOL_SOCKET, SO_ZEROCOPY, &on, sizeof on) == 0);
  CHECK(run_crossing(set).size() == 1000);
  CHECK(set.pump.method() == "read-write");
  CHECK(set.pump.why_fell_back() == "setsockopt SO_ZEROCOPY: Device or resource busy");
}

TEST_CASE("under way: of a file that shrinks only what was there counts, and it ends") {
  const auto content = noise(16 * 1024 * 1024);
  for (const auto method : slow_methods) {
    for (const off_t left : {0, 5'000'001, 15'000'001}) {
      CAPTURE(name_of(method));
      CAPTURE(left);
      Crossing line(content, method);
      line.step_until_it_waits();
      const auto counted = line.pump.bytes();
      REQUIRE(truncate(line.path.c_str(), left) == 0);
      const auto received = run_crossing(line);
      const auto bytes = line.pump.bytes();
      CHECK(bytes < content.size());
      CHECK(received.size() >= bytes);
      if (method == TransferMethod::zero_copy) {
        CHECK(bytes <= std::max(counted, static_cast<std::uint64_t>(left)));
        CHECK(line.pump.copied().value_or(0) <= bytes);
        CHECK(difference(received.substr(0, bytes), content.substr(0, bytes)) == "");
      }
    }
  }
}

TEST_CASE("under way: a rate holds though bytes count late") {
  for (const auto method : slow_methods) {
    CAPTURE(name_of(method));
    const auto content = noise(400'000);
    Crossing line(content, method);
    RateLimit rate(1'000'000);
    const auto begun = Clock::now();
    CHECK(difference(run_crossing(line, 64 * 1024, {&rate}), content) == "");
    CHECK(Clock::now() - begun > 350ms);
  }
}

TEST_CASE("under way: dropped in the middle, they leave no descriptor behind") {
  for (const auto method : slow_methods) {
    CAPTURE(name_of(method));
    const auto before = open_descriptors();
    {
      Crossing line(noise(16 * 1024 * 1024), method);
      line.step_until_it_waits();
    }
    CHECK(open_descriptors() == before);
  }
}

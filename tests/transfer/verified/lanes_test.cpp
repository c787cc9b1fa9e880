// The connections of a sender: what stays in line, and what comes in place of one.
#include "../../support/far_ends.hpp"
#include "ends.hpp"
#include "os/calls.hpp"
#include "transfer/verified/lane.hpp"

using namespace sockx;
using namespace test;
using namespace std::chrono_literals;

TEST_CASE("lane: of small stretches of a file not more than some hundred kilobytes wait to be sent") {
  constexpr std::uint64_t stretch = 60'000, count = 100;
  const Folder here;
  write_file(here / "file", noise(stretch * count));
  EventLoop loop;
  auto pair = tcp_pair();
  Stream far(loop, std::move(pair.theirs));
  Clock::time_point last_byte;
  TransferTally tally;
  Lane lane(loop, {Socket(std::move(pair.ours)), "the far end"}, last_byte, {}, tally);
  const SourceFile source(here / "file");
  std::size_t most = 0;
  std::string heard;
  const auto send = [&]() -> Task<> {
    Watch watch(loop, source.described().fd);
    for (std::uint64_t at = 0; at < count; ++at) {
      const Range range{at * stretch, stretch};
      co_await lane.send(source, watch, 0, range);
      most = std::max(most, lane.channel().unsent());
    }
    co_await lane.channel().flush();
    shutdown_write(lane.channel().socket());
  };
  loop.run(all(send(), read_to_end(far, heard)));
  CHECK(most < enough_in_line + 2 * stretch);
  CHECK(heard.size() > stretch * count);
}

TEST_CASE(
    "lane: a chunk of a file that shrinks meanwhile is as long as was said, and void, however it is sent") {
  constexpr std::uint64_t length = 300'000;
  for (const auto method : file_methods()) {
    CAPTURE(name_of(method));
    const Folder here;
    write_file(here / "file", noise(length));
    EventLoop loop;
    auto pair = tcp_pair();
    Stream far(loop, std::move(pair.theirs));
    Clock::time_point last_byte;
    TransferTally tally;
    RateLimit rate(300'000);  // some thousand bytes at a time
    Lane lane(loop, {Socket(std::move(pair.ours)), "the far end"}, last_byte,
              {.method = method, .rate = &rate}, tally);
    const SourceFile source(here / "file");
    bool has_failed = false;
    const auto send = [&]() -> Task<> {
      Watch watch(loop, source.described().fd);
      try {
        co_await lane.send(source, watch, 0, {0, length});
      } catch (const SourceChanged&) {
        has_failed = true;
      }
      co_await lane.channel().flush();
      shutdown_write(lane.channel().socket());
    };
    std::string heard;
    const auto hear = [&]() -> Task<> {
      co_await read_until(far, heard, 20'000);
      fs::resize_file(here / "file", 36'865);  // one byte of a page
      co_await read_to_end(far, heard);
    };
    loop.run(all(send(), hear()));
    CHECK(has_failed);
    const auto digest = size_of(DigestKind::xxh3_128);
    REQUIRE(heard.size() == encode(Chunk()).size() + length + digest);
    CHECK(heard.ends_with(std::string(digest, '\0')));
  }
}

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

// The connections of a sender: what stays in line, and what comes in place of one.
#include "../../support/connections.hpp"
#include "../../support/far_ends.hpp"
#include "../../support/thrown.hpp"
#include "base/error.hpp"
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
  FarEnd far(loop, std::move(pair.theirs));
  Clock::time_point last_byte;
  TransferTally tally;
  Lane lane(loop, connection(loop, std::move(pair.ours), "the far end"), last_byte, {}, tally);
  const SourceFile source(here / "file");
  std::size_t most = 0;
  std::string heard;
  const auto send = [&]() -> Task<> {
    auto file = Stream::borrow(loop, source.described());
    for (std::uint64_t at = 0; at < count; ++at) {
      const Range range{at * stretch, stretch};
      co_await lane.send(source, file, 0, range);
      most = std::max(most, lane.channel().unsent());
    }
    co_await lane.channel().flush();
    shutdown_write(lane.channel().stream().facts());
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
    FarEnd far(loop, std::move(pair.theirs));
    Clock::time_point last_byte;
    TransferTally tally;
    RateLimit rate(300'000);  // some thousand bytes at a time
    Lane lane(loop, connection(loop, std::move(pair.ours), "the far end"), last_byte,
              {.method = method, .rate = &rate}, tally);
    const SourceFile source(here / "file");
    bool has_failed = false;
    const auto send = [&]() -> Task<> {
      auto file = Stream::borrow(loop, source.described());
      try {
        co_await lane.send(source, file, 0, {0, length});
      } catch (const SourceChanged&) {
        has_failed = true;
      }
      co_await lane.channel().flush();
      shutdown_write(lane.channel().stream().facts());
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

TEST_CASE("verified: where the sender listens, strangers in place of the receiver's connections are left") {
  const Folder here, there;
  write_file(here / "file", noise(5'000'000));
  auto silent = tcp_pair(), gone = tcp_pair(), noisy = tcp_pair();
  gone.theirs.reset();
  put(noisy.theirs.get(), noise(1000));
  std::list<UniqueFd> strangers;
  for (auto* const stranger : {&silent, &gone, &noisy}) strangers.push_back(std::move(stranger->ours));
  VerifiedSendOptions send{.paths = {here / "file"}, .streams = 3, .greeting_time = 100ms, .listens = true};
  std::vector<std::string> warnings;
  send.warn = [&](const std::string& warning) { warnings.push_back(warning); };
  const auto outcome = transfer(send, {.folder = there.path()}, {}, std::move(strangers));
  REQUIRE(outcome.is_success());
  CHECK(difference(read_file(there / "file"), noise(5'000'000)) == "");
  REQUIRE(warnings.size() == 3);
  CHECK(warnings[0] ==
        "a stranger has sent no greeting within 0.1 s: does it receive with --verified?; it is left");
}

TEST_CASE("verified: where the sender connects, a connection that is not greeted in time ends the transfer") {
  const Folder here, there;
  write_file(here / "file", noise(5'000'000));
  auto silent = tcp_pair();
  std::list<UniqueFd> strangers;
  strangers.push_back(std::move(silent.ours));
  const auto outcome = transfer({.paths = {here / "file"}, .streams = 2, .greeting_time = 100ms},
                                {.folder = there.path()}, {}, std::move(strangers));
  const auto failure = thrown_by<Incomplete>([&] { std::rethrow_exception(outcome.sender_failure); });
  REQUIRE(failure);
  CHECK(std::string(failure->what()).find("a stranger has sent no greeting within 0.1 s") !=
        std::string::npos);
}

TEST_CASE("verified: a receiver that goes while its other connections are awaited ends the transfer") {
  ignore_signals_that_calls_report();
  const Folder here;
  write_file(here / "file", "content");
  EventLoop loop;
  auto pair = tcp_pair();
  FarEnd receiver(loop, std::move(pair.theirs));
  TransferTally tally;
  const auto next = [&]() -> Task<Connection> {
    shutdown(receiver.fd.get(), SHUT_RDWR);  // its watch outlives this
    co_await loop.sleep_until(never);
    co_return connection(loop, UniqueFd(), "");
  };
  const auto welcome = encode(Welcome());
  put(receiver.fd.get(), welcome);
  auto sending = send_verified(connection(loop, std::move(pair.ours), "the receiver"), next,
                               {.paths = {here / "file"}, .streams = 2}, tally);
  CHECK_THROWS_AS(loop.run(std::move(sending)), Incomplete);
}

TEST_CASE("lanes: after a restart the chunks of the file come behind it, on the first connection") {
  ignore_signals_that_calls_report();
  constexpr std::size_t size = 3'000'000;
  const Folder here;
  write_file(here / "file", noise(size));
  Offer part_of_another{0, Offer::State::part};
  part_of_another.have = {{0, 1'000'000}};
  part_of_another.samples = {{{0, 10}, std::string(16, 'd')}};
  EventLoop loop;
  auto first = tcp_pair(), second = tcp_pair();
  FarEnd first_far(loop, std::move(first.theirs)), second_far(loop, std::move(second.theirs));
  const auto welcome = encode(Welcome()), offer = encode(part_of_another);
  std::string heard_first, heard_second;
  const auto receive = [&]() -> Task<> {
    co_await write_all(first_far, welcome);
    co_await write_all(second_far, welcome);
    co_await read_until(first_far, heard_first, encode(Hello()).size() + 1);  // the file is announced
    co_await write_all(first_far, offer);
    co_await read_until(first_far, heard_first, size / 3);
    shutdown(first_far.fd.get(), SHUT_RDWR);
    shutdown(second_far.fd.get(), SHUT_WR);
    co_await read_to_end(second_far, heard_second);
  };
  const auto next = [&]() -> Task<Connection> {
    co_return connection(loop, std::move(second.ours), "the receiver");
  };
  TransferTally tally;
  std::exception_ptr failure;
  auto sending = send_verified(connection(loop, std::move(first.ours), "the receiver"), next,
                               {.paths = {here / "file"}, .streams = 2}, tally);
  loop.run(all(keep_failure(std::move(sending), failure), receive()));
  CHECK(heard_first.find(encode(Restart{0})) != std::string::npos);
  CHECK(heard_second.size() == encode(Hello()).size());
}

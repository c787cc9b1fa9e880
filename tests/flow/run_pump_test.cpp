#include "flow/run_pump.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <string>

#include "../support/descriptors.hpp"
#include "../support/far_ends.hpp"
#include "../support/files.hpp"
#include "../support/pump_between.hpp"
#include "../support/thrown.hpp"
#include "base/error.hpp"
#include "flow/task_group.hpp"

using namespace sockx;
using namespace test;
using namespace std::chrono_literals;

namespace {

/// Pumps from one pipe to another, as streams of the loop.
Task<> pump_between(const UniqueFd& from, const UniqueFd& to, PumpControl control, PumpOptions options = {}) {
  auto& loop = co_await this_loop();
  PumpBetween pump(described(from, "source"), described(to, "sink"), options, &loop);
  co_await run_pump(pump, control);
}

}  // namespace

TEST_CASE("run_pump: it ends with the source and keeps the counters up to date") {
  EventLoop loop;
  auto source = make_pipe_ends(), sink = make_pipe_ends();
  put(source.write.get(), "0123456789");
  source.write.reset();
  std::uint64_t bytes = 0;
  Clock::time_point last_byte{};
  loop.run(pump_between(source.read, sink.write, {nullptr, &last_byte, &bytes}));
  CHECK(bytes == 10);
  CHECK(last_byte > Clock::time_point{});
  CHECK(last_byte <= loop.now());
  CHECK(read_available(sink.read.get()) == "0123456789");
}

TEST_CASE("run_pump: a pump that moves nothing does not renew the last byte") {
  EventLoop loop;
  auto source = make_pipe_ends(), sink = make_pipe_ends();
  source.write.reset();
  std::uint64_t bytes = 99;
  Clock::time_point last_byte{};
  loop.run(pump_between(source.read, sink.write, {nullptr, &last_byte, &bytes}));
  CHECK(bytes == 0);
  CHECK(last_byte == Clock::time_point{});
}

TEST_CASE("run_pump: the counter says what was delivered also after a failure or when it is dropped") {
  signal(SIGPIPE, SIG_IGN);
  EventLoop loop;
  auto source = make_pipe_ends(), sink = make_pipe_ends();
  put(source.write.get(), "0123456789");
  std::uint64_t bytes = 0;
  const auto move_then_break = [](PipeEnds& from, PipeEnds& to, std::uint64_t& counter) -> Task<> {
    TaskGroup group(co_await this_loop());
    group.spawn(pump_between(from.read, to.write, {nullptr, nullptr, &counter}));
    CHECK(counter == 10);
    to.read.reset();
    co_await group.join();
  };
  CHECK_THROWS_AS(loop.run(move_then_break(source, sink, bytes)), Error);
  CHECK(bytes == 10);

  auto other_sink = make_pipe_ends();
  put(source.write.get(), "abc");
  {
    auto dropped = pump_between(source.read, other_sink.write, {nullptr, nullptr, &bytes});
    dropped.start(loop);
  }
  CHECK(bytes == 3);
}

TEST_CASE("run_pump: a sink without a reader ends a pump that waits for input") {
  EventLoop loop;
  auto source = make_pipe_ends(), sink = make_pipe_ends();
  const auto lose_reader = [](PipeEnds& to) -> Task<> {
    auto& its_loop = co_await this_loop();
    co_await its_loop.next_turn();
    to.read.reset();
  };
  CHECK_THROWS_WITH_AS(loop.run(all(pump_between(source.read, sink.write, {}), lose_reader(sink))),
                       "write sink: Broken pipe", Error);
}

TEST_CASE("run_pump: a reader that does not wait for the end of the source is no failure") {
  signal(SIGPIPE, SIG_IGN);
  const auto leave_then_end = [](PipeEnds& from, PipeEnds& to) -> Task<> {
    auto& its_loop = co_await this_loop();
    put(from.write.get(), "the last record");
    {
      Watch output(its_loop, to.read.get());
      co_await output.readable();
    }
    CHECK(read_available(to.read.get()) == "the last record");
    to.read.reset();
    co_await its_loop.sleep_until(after(5ms));  // the pump meets a sink without a reader first
    from.write.reset();
  };
  for (const auto method : {TransferMethod::read_write, TransferMethod::splice}) {
    CAPTURE(name_of(method));
    EventLoop loop;
    auto source = make_pipe_ends(), sink = make_pipe_ends();
    std::uint64_t bytes = 0;
    PumpOptions options{.method = method};
    loop.run(all(pump_between(source.read, sink.write, {nullptr, nullptr, &bytes}, options),
                 leave_then_end(source, sink)));
    CHECK(bytes == 15);
  }
}

TEST_CASE("run_pump: a reader that has left and a source that has ended at once are no failure") {
  signal(SIGPIPE, SIG_IGN);
  for (const auto method : {TransferMethod::read_write, TransferMethod::splice}) {
    EventLoop loop;
    auto source = make_pipe_ends(), sink = make_pipe_ends();
    source.write.reset();
    sink.read.reset();
    PumpOptions options{.method = method};
    loop.run(pump_between(source.read, sink.write, {}, options));
  }
}

TEST_CASE("run_pump: a reader that leaves before bytes that still come is one") {
  signal(SIGPIPE, SIG_IGN);
  const auto leave_then_put = [](PipeEnds& from, PipeEnds& to) -> Task<> {
    auto& its_loop = co_await this_loop();
    co_await its_loop.next_turn();
    to.read.reset();
    co_await its_loop.sleep_until(after(5ms));
    put(from.write.get(), "unwanted");
    co_await its_loop.sleep_until(never);
  };
  for (const auto method : {TransferMethod::read_write, TransferMethod::splice}) {
    CAPTURE(name_of(method));
    EventLoop loop;
    auto source = make_pipe_ends(), sink = make_pipe_ends();
    const auto begun = Clock::now();
    PumpOptions options{.method = method};
    CHECK_THROWS_AS(
        loop.run(all(pump_between(source.read, sink.write, {}, options), leave_then_put(source, sink))),
        SinkGone);
    CHECK(Clock::now() - begun >= 5ms);
  }
}

TEST_CASE("run_pump: bytes that wait behind a reader that has left are a broken pipe") {
  signal(SIGPIPE, SIG_IGN);
  for (const auto method : {TransferMethod::read_write, TransferMethod::splice}) {
    CAPTURE(name_of(method));
    EventLoop loop;
    auto source = make_pipe_ends(), sink = make_pipe_ends();
    put(source.write.get(), "unwanted");
    sink.read.reset();
    PumpOptions options{.method = method};
    const auto error =
        thrown_by<Error>([&] { loop.run(pump_between(source.read, sink.write, {}, options)); });
    REQUIRE(error);
    CHECK(error->number() == EPIPE);
    CHECK(error->origin() == Origin::local_file);
  }
}

TEST_CASE("run_pump: a source that stays silent for a second behind a reader that has left is a failure") {
  EventLoop loop;
  auto source = make_pipe_ends(), sink = make_pipe_ends();
  sink.read.reset();
  const auto begun = Clock::now();
  CHECK_THROWS_AS(loop.run(pump_between(source.read, sink.write, {})), SinkGone);
  CHECK(Clock::now() - begun >= 1s);
}

TEST_CASE("run_pump: a peer that has gone is told at once") {
  EventLoop loop;
  auto source = make_pipe_ends();
  auto sink = unix_pair();
  sink.theirs.reset();
  const auto work = [](const UniqueFd& from, const UniqueFd& to) -> Task<> {
    co_await with_deadline(pump_between(from, to, {}), after(500ms), "it was not told at once");
  };
  CHECK_THROWS_AS(loop.run(work(source.read, sink.ours)), SinkGone);
}

TEST_CASE("run_pump: a rate changes when bytes come but not which") {
  EventLoop loop;
  auto source = make_pipe_ends(), sink = make_pipe_ends();
  const auto content = noise(20'000);
  RateLimit rate(1'000'000);
  std::string received;
  const auto run = [&rate](PipeEnds& from, PipeEnds& to, const std::string& sent,
                           std::string& got) -> Task<> {
    put(from.write.get(), sent);
    from.write.reset();
    co_await pump_between(from.read, to.write, {&rate, nullptr, nullptr});
    got = read_available(to.read.get());
  };
  const auto begun = Clock::now();
  loop.run(run(source, sink, content, received));
  CHECK(difference(received, content) == "");
  CHECK(Clock::now() - begun >= 15ms);  // 20 ms less the slice that is saved up; no upper bound
}

// relay() with an end that is a terminal, which has no half-close.
#include <doctest/doctest.h>

#include <csignal>
#include <optional>
#include <string>

#include "../support/descriptors.hpp"
#include "../support/far_ends.hpp"
#include "../support/files.hpp"
#include "base/error.hpp"
#include "flow/relay.hpp"
#include "flow/task_group.hpp"
#include "os/pseudo_terminal.hpp"
#include "os/terminal_mode.hpp"

using namespace sockx;
using namespace test;
using namespace std::chrono_literals;

namespace {

using HangUp = Descriptor::HangUp;
constexpr Duration grace_beyond_the_test = 60s, moment = 50ms;

/// The first end is two pipes, the second a terminal, which `user` has open.
class TerminalScene {
 public:
  explicit TerminalScene(HangUp hang_up)
      : in(make_pipe_ends()), out(make_pipe_ends()), terminal_(open_pseudo_terminal()) {
    signal(SIGPIPE, SIG_IGN);
    make_raw(terminal_.master.get());
    source.emplace(loop, std::move(in.write));
    output.emplace(loop, std::move(out.read));
    from_.emplace(loop, std::move(in.read), "stdin", Origin::local_file);
    to_.emplace(loop, std::move(out.write), "stdout", Origin::standard_output);
    auto facts = describe_terminal(terminal_.master.get(), "the terminal", Origin::local_file, hang_up);
    stream_.emplace(loop, UniqueFd(), std::move(facts));
    open();
  }

  /// Another user opens the terminal.
  void open() {
    auto fd = open_other_side(terminal_);
    fcntl(fd.get(), F_SETFL, O_NONBLOCK);
    user.emplace(loop, std::move(fd));
  }
  void run(RelayRules rules, Task<> play) { loop.run(all(act(std::move(rules)), std::move(play))); }

  EventLoop loop;
  PipeEnds in, out;
  std::optional<FarEnd> source, output, user;
  Tally tally;

 private:
  Task<> act(RelayRules rules) {
    Duplex first{*from_, *to_};
    Duplex second{.in = *stream_, .out = *stream_, .reader_may_leave = true, .is_terminal = true};
    co_await relay(std::move(first), std::move(second), std::move(rules), tally, [](const RelayEvent&) {});
    to_->close();
  }

  PseudoTerminal terminal_;
  std::optional<Stream> from_, to_, stream_;
};

RelayRules rules_with(Until until, Duration grace) {
  RelayRules rules;
  rules.until = until;
  rules.eof_timeout = grace;
  return rules;
}

}  // namespace

TEST_CASE("relay: a terminal may answer after the other end's end, and its hang-up ends the session") {
  for (const auto until : {Until::either, Until::local, Until::both}) {
    TerminalScene scene(HangUp::end);
    std::string asked, answer;
    const auto play = [](TerminalScene& stage, std::string& question, std::string& got) -> Task<> {
      co_await write_all(*stage.source, "question");
      stage.source.reset();
      co_await read_until(*stage.user, question, 8);
      co_await write_all(*stage.user, "answer");
      stage.user.reset();
      co_await read_to_end(*stage.output, got);
    };
    scene.run(rules_with(until, grace_beyond_the_test), play(scene, asked, answer));
    CHECK(asked == "question");
    CHECK(answer == "answer");
    CHECK(scene.tally.sent == 8);
    CHECK(scene.tally.received == 6);
  }
}

TEST_CASE("relay: the end of the other end's input and the grace end the session of an open terminal") {
  for (const auto until : {Until::either, Until::local}) {
    TerminalScene scene(HangUp::end);
    std::string got;
    const auto play = [](TerminalScene& stage, std::string& heard) -> Task<> {
      co_await write_all(*stage.user, "said before");
      co_await read_until(*stage.output, heard, 11);
      stage.source.reset();
      co_await read_to_end(*stage.output, heard);
    };
    scene.run(rules_with(until, moment), play(scene, got));
    CHECK(got == "said before");
  }
}

TEST_CASE("relay: there is no grace for a terminal whose own end is waited for") {
  for (const auto until : {Until::peer, Until::both}) {
    TerminalScene scene(HangUp::end);
    scene.source.reset();
    CHECK_THROWS_AS(scene.run(rules_with(until, moment), sleep_until(never)), TimedOut);
  }
}

TEST_CASE("relay: what a terminal said before its hang-up is delivered whole") {
  TerminalScene scene(HangUp::end);
  const auto said = noise(3000);
  put(scene.user->fd.get(), said);
  scene.user.reset();
  std::string got;
  scene.run(rules_with(Until::either, grace_beyond_the_test), read_to_end(*scene.output, got));
  CHECK(difference(got, said) == "");
}

TEST_CASE("relay: what is written to a terminal that has been hung up is dropped") {
  TerminalScene scene(HangUp::end);
  scene.user.reset();
  const auto bytes = noise(60'000);  // more than the terminal holds, and no more than the pipe
  put(scene.source->fd.get(), bytes);
  scene.run(rules_with(Until::both, grace_beyond_the_test), sleep_until(Clock::now()));
  CHECK(scene.tally.sent > 0);
  CHECK(scene.tally.sent < bytes.size());
}

TEST_CASE("relay: a terminal that others may open again waits for them, at no cost, with what is written") {
  TerminalScene scene(HangUp::pause);
  std::string got, read;
  const auto play = [](TerminalScene& stage, std::string& heard, std::string& kept) -> Task<> {
    co_await write_all(*stage.user, "one ");
    stage.user.reset();
    co_await read_until(*stage.output, heard, 4);
    co_await write_all(*stage.source, "for the next");
    const auto waits = stage.loop.waits();
    co_await stage.loop.sleep_until(after(moment));
    CHECK(stage.loop.waits() - waits < 10);
    stage.open();
    co_await read_until(*stage.user, kept, 12);
    co_await write_all(*stage.user, "two");
    co_await read_until(*stage.output, heard, 7);
    stage.user.reset();
    stage.source.reset();
    co_await read_to_end(*stage.output, heard);
  };
  scene.run(rules_with(Until::either, moment), play(scene, got, read));
  CHECK(got == "one two");
  CHECK(read == "for the next");
}

TEST_CASE("relay: more than a terminal holds waits until somebody opens it") {
  TerminalScene scene(HangUp::pause);
  scene.user.reset();
  const auto bytes = noise(300'000);
  std::string read;
  const auto play = [](TerminalScene& stage, const std::string& all, std::string& kept) -> Task<> {
    TaskGroup group(stage.loop);
    group.spawn(write_all(*stage.source, all));
    while (unread(stage.source->fd.get()) == 0) {
      co_await stage.loop.next_turn();
    }
    stage.open();
    co_await read_until(*stage.user, kept, all.size());
    co_await group.join();
    stage.source.reset();
  };
  scene.run(rules_with(Until::either, moment), play(scene, bytes, read));
  CHECK(difference(read, bytes) == "");
}

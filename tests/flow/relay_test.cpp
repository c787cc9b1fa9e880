#include "flow/relay.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "../support/descriptors.hpp"
#include "../support/far_ends.hpp"
#include "../support/files.hpp"
#include "../support/records.hpp"
#include "../support/thrown.hpp"
#include "base/error.hpp"
#include "flow/task_group.hpp"
#include "os/calls.hpp"
#include "os/io_result.hpp"
#include "os/observer.hpp"
#include "os/records.hpp"

using namespace sockx;
using namespace test;
using namespace std::chrono_literals;

namespace {

using State = IoResult::State;

constexpr auto short_time = 150ms;  // a peer may take 40 ms to acknowledge
const std::string said = "what we say";
const std::string greeting = "what the peer says";

/// The rules, and what is said of the two ends.
struct RelayOptions : RelayRules {
  PumpOptions outward, inward;
  bool hears_peer = true, leave_open = false, reader_may_leave = false, half_close = true;
};

/// One conversation: the two pipes of the near side, the relay's socket, and the peer on the same loop.
class Scene {
 public:
  explicit Scene(SocketEnds sockets = tcp_pair())
      : peer(loop, std::move(sockets.theirs)),
        in(make_pipe_ends()),
        out(make_pipe_ends()),
        in_(Stream::borrow(loop, describe(in.read.get(), "stdin", Origin::local_file))),
        out_(loop, std::move(out.write), "stdout", Origin::standard_output),
        connection_(loop, std::move(sockets.ours), "peer", Origin::peer) {
    signal(SIGPIPE, SIG_IGN);
  }

  /// Runs the relay while `beside` goes on, and closes the connection when it is over.
  void run(RelayOptions options, Task<> beside) { loop.run(act(options, std::move(beside))); }

  /// The peer's socket ends by a reset; /dev/null takes its number, which stays watched.
  void reset_peer() {
    const linger at_once{1, 0};
    REQUIRE(setsockopt(peer.fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
    REQUIRE(dup2(open_null().get(), peer.fd.get()) == peer.fd.get());
  }

  /// What the reader of our output has got.
  std::string output() const { return read_available(out.read.get()); }
  bool output_has_ended() const {
    char byte = 0;
    return read(out.read.get(), &byte, 1) == 0;
  }
  /// The rest of what the peer can read; it must end by FIN and not by a reset.
  std::string rest_at_peer() {
    auto rest = read_available(peer.fd.get());
    char byte = 0;
    CHECK(read(peer.fd.get(), &byte, 1) == 0);
    return rest;
  }

  EventLoop loop;
  FarEnd peer;
  PipeEnds in, out;
  Tally tally;
  std::vector<std::string> warnings;

 private:
  Task<> act(RelayOptions options, Task<> beside) {
    TaskGroup group(loop);
    group.spawn(converse(options));
    group.spawn(std::move(beside));
    co_await group.join();
  }

  Task<> converse(RelayOptions options) {
    const auto tell = [this](const RelayEvent& event) {
      if (event.kind != RelayEvent::Kind::detail) warnings.push_back(event.text);
    };
    Duplex ours{in_, out_}, theirs{connection_, connection_};
    ours.carried = options.outward;
    ours.reader_may_leave = options.reader_may_leave;
    theirs.carried = options.inward;
    theirs.is_heard = options.hears_peer;
    theirs.is_left_open = options.leave_open;
    theirs.is_told_of_end = options.half_close;
    co_await relay(std::move(ours), std::move(theirs), options, tally, tell);
    connection_.close();
    out_.close();
  }

  Stream in_, out_, connection_;
};

enum class Local { ends, ends_after_the_peer, stays_open };
enum class Peer { ends_after_us, ends_first, ends_after_our_input, stays_open, resets };
enum class RelayOutcome { done, timed_out, reset };

Task<> play_peer(Scene& stage, Peer plan, std::string& received) {
  co_await write_all(stage.peer, greeting);
  switch (plan) {
    case Peer::ends_after_us:
      co_await read_to_end(stage.peer, received);
      shutdown(stage.peer.fd.get(), SHUT_WR);
      break;
    case Peer::ends_first:
      shutdown(stage.peer.fd.get(), SHUT_WR);
      co_await read_to_end(stage.peer, received);
      break;
    case Peer::ends_after_our_input:
      co_await read_until(stage.peer, received, said.size());
      shutdown(stage.peer.fd.get(), SHUT_WR);
      break;
    case Peer::stays_open:
      co_await read_to_end(stage.peer, received);
      break;
    case Peer::resets:
      co_await read_until(stage.peer, received, said.size());
      stage.reset_peer();
      break;
  }
}

Task<> play_local(Scene& stage, Local plan) {
  if (plan == Local::ends_after_the_peer) {
    Watch output(co_await this_loop(), stage.out.read.get());
    while (!output.is_hung_up()) {
      output.forget_readable();
      co_await output.readable();
    }
  }
  put(stage.in.write.get(), said);
  if (plan != Local::stays_open) stage.in.write.reset();
}

RelayOutcome outcome_of(Scene& stage, RelayOptions options, Task<> beside) {
  try {
    stage.run(options, std::move(beside));
    return RelayOutcome::done;
  } catch (const TimedOut&) {
    return RelayOutcome::timed_out;
  } catch (const Error& error) {
    CHECK(error.number() == ECONNRESET);
    CHECK(error.origin() == Origin::peer);
    return RelayOutcome::reset;
  }
}

}  // namespace

TEST_CASE("relay: who ends when and what comes of it") {
  struct Row {
    std::string what;
    Until until;
    bool half_close;
    std::optional<Duration> eof_timeout;
    Local local;
    Peer peer;
    RelayOutcome outcome;
    bool greeting_arrives;  // for certain
    std::size_t warnings;
  };
  constexpr auto both = Until::both, local = Until::local, peer = Until::peer, either = Until::either;
  constexpr auto done = RelayOutcome::done, timed_out = RelayOutcome::timed_out, reset = RelayOutcome::reset;
  const std::optional<Duration> soon = short_time, unlimited;
  const Row rows[]{
      {"both: we end first", both, true, unlimited, Local::ends, Peer::ends_after_us, done, true, 0},
      {"both: the peer ends first", both, true, unlimited, Local::ends_after_the_peer, Peer::ends_first, done,
       true, 0},
      {"both: the peer does not end", both, true, soon, Local::ends, Peer::stays_open, timed_out, true, 0},
      {"both: we do not end", both, true, soon, Local::stays_open, Peer::ends_first, timed_out, true, 0},
      {"both: the peer resets", both, true, unlimited, Local::ends, Peer::resets, reset, false, 0},
      {"both: the peer resets while we are open", both, true, unlimited, Local::stays_open, Peer::resets,
       reset, false, 0},
      {"both without half-close: the peer goes by what it reads", both, false, unlimited, Local::ends,
       Peer::ends_after_our_input, done, true, 0},
      {"both without half-close: the peer waits for our end", both, false, soon, Local::ends,
       Peer::ends_after_us, timed_out, true, 0},
      {"local: we end and the peer follows", local, true, unlimited, Local::ends, Peer::ends_after_us, done,
       false, 0},
      {"local: the peer ends first", local, true, unlimited, Local::ends_after_the_peer, Peer::ends_first,
       done, true, 0},
      {"local: the peer never closes", local, true, soon, Local::ends, Peer::stays_open, done, false, 1},
      {"local without half-close: our end comes all the same", local, false, unlimited, Local::ends,
       Peer::ends_after_us, done, false, 0},
      {"local: we do not end and the peer does", local, true, soon, Local::stays_open, Peer::ends_first,
       timed_out, true, 0},
      {"peer: the peer ends", peer, true, unlimited, Local::stays_open, Peer::ends_first, done, true, 0},
      {"peer: we end first", peer, true, unlimited, Local::ends, Peer::ends_after_us, done, true, 0},
      {"peer: it goes by what it reads", peer, false, unlimited, Local::stays_open,
       Peer::ends_after_our_input, done, true, 0},
      {"peer: we end and it does not", peer, true, soon, Local::ends, Peer::stays_open, timed_out, true, 0},
      {"peer: it resets", peer, true, unlimited, Local::stays_open, Peer::resets, reset, false, 0},
      {"either: we end", either, true, unlimited, Local::ends, Peer::ends_after_us, done, false, 0},
      {"either: the peer ends", either, true, unlimited, Local::stays_open, Peer::ends_first, done, true, 0},
      {"either: we end and the peer never closes", either, true, soon, Local::ends, Peer::stays_open, done,
       false, 1},
      {"either: the peer resets", either, true, unlimited, Local::stays_open, Peer::resets, reset, false, 0},
  };
  const auto before = open_descriptors();
  for (const auto& row : rows) {
    for (const bool unix_stream : {false, true}) {
      if (unix_stream && row.peer == Peer::resets) continue;  // unix sockets know no SO_LINGER
      CAPTURE(row.what);
      CAPTURE(unix_stream);
      Scene stage(unix_stream ? unix_pair() : tcp_pair());
      std::string received;
      RelayOptions options;
      options.until = row.until;
      options.half_close = row.half_close;
      options.eof_timeout = row.eof_timeout;
      const auto outcome =
          outcome_of(stage, options, all(play_local(stage, row.local), play_peer(stage, row.peer, received)));
      CHECK(outcome == row.outcome);
      if (row.outcome != RelayOutcome::reset) {
        const auto output = stage.output();
        if (row.greeting_arrives) CHECK(output == greeting);
        CHECK(stage.tally.received == output.size());
      }
      if (row.outcome == RelayOutcome::done) {
        received += stage.rest_at_peer();
        if (row.local != Local::stays_open) CHECK(received == said);
        CHECK(stage.tally.sent == received.size());
      }
      CHECK(stage.warnings.size() == row.warnings);
    }
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("relay: many bytes go both ways at once and none is lost") {
  const auto to_peer = noise(3'000'000, 1), from_peer = noise(4'000'000, 2);
  Scene stage;
  std::string at_peer, at_output;
  const auto feed = [](Scene& on, const std::string& bytes) -> Task<> {
    FarEnd stream(on.loop, std::move(on.in.write));
    co_await write_all(stream, bytes);
  };
  const auto say = [](Scene& on, const std::string& bytes) -> Task<> {
    co_await write_all(on.peer, bytes);
    shutdown(on.peer.fd.get(), SHUT_WR);
  };
  const auto read_output = [](Scene& on, std::string& bytes) -> Task<> {
    FarEnd stream(on.loop, std::move(on.out.read));
    co_await read_to_end(stream, bytes, 10'000);
  };
  auto at_far_side = all(say(stage, from_peer), read_to_end(stage.peer, at_peer, 10'000));
  auto beside = all(all(feed(stage, to_peer), read_output(stage, at_output)), std::move(at_far_side));
  stage.run({}, std::move(beside));
  at_peer += stage.rest_at_peer();
  CHECK(difference(at_peer, to_peer) == "");
  CHECK(difference(at_output, from_peer) == "");
  CHECK(stage.tally.sent == to_peer.size());
  CHECK(stage.tally.received == from_peer.size());
}

TEST_CASE("relay: until local a peer that talks all the time still gets everything and no reset") {
  const auto to_peer = noise(2'000'000);
  Scene stage;
  std::string at_peer;
  const auto feed = [](Scene& on, const std::string& bytes) -> Task<> {
    FarEnd stream(on.loop, std::move(on.in.write));
    co_await write_all(stream, bytes);
  };
  const auto talk_and_read = [](Scene& on, std::string& bytes) -> Task<> {
    const auto banner = noise(1000);
    const auto read_piece = [](Scene& from, std::string& into, std::size_t size) -> Task<> {
      co_await read_until(from.peer, into, size, 4'000);
    };
    for (std::size_t size = 0; bytes.size() == size;) {
      size += 10'000;
      co_await write_all(on.peer, banner);
      co_await read_piece(on, bytes, size);
    }
    shutdown(on.peer.fd.get(), SHUT_WR);
  };
  const auto read_output = [](Scene& on, std::string& bytes) -> Task<> {
    FarEnd stream(on.loop, std::move(on.out.read));
    co_await read_to_end(stream, bytes);
  };
  std::string at_output;
  auto near = all(feed(stage, to_peer), read_output(stage, at_output));
  RelayOptions options;
  options.until = Until::local;
  stage.run(options, all(std::move(near), talk_and_read(stage, at_peer)));
  at_peer += stage.rest_at_peer();
  CHECK(difference(at_peer, to_peer) == "");
}

TEST_CASE("relay: bytes in hand are delivered when the peer's end ends the session") {
  Scene stage;
  const auto filled = fill(stage.peer.fd.get());
  const auto end_peer = [](Scene& on) -> Task<> {
    shutdown(on.peer.fd.get(), SHUT_WR);
    co_return;
  };
  const auto read_output = [](Scene& on, std::string& bytes) -> Task<> {
    FarEnd stream(on.loop, std::move(on.out.read));
    co_await read_to_end(stream, bytes, 4'000);
  };
  std::string at_output;
  RelayOptions options;
  options.until = Until::peer;
  stage.run(options, all(end_peer(stage), read_output(stage, at_output)));
  CHECK(difference(at_output, std::string(filled, '#')) == "");
  CHECK(stage.tally.received == filled);
}

TEST_CASE("relay: the end of the peer becomes the end of our output before the session is over") {
  Scene stage;
  std::string received;
  stage.run({},
            all(play_local(stage, Local::ends_after_the_peer), play_peer(stage, Peer::ends_first, received)));
  CHECK(stage.output() == greeting);
  CHECK(stage.output_has_ended());
}

TEST_CASE("relay: a silent input behind an ended peer is warned of once") {
  Scene stage;
  RelayOptions options;
  options.silence_before_warning = 1ms;
  const auto end_late = [](Scene& on) -> Task<> {
    shutdown(on.peer.fd.get(), SHUT_WR);
    while (on.warnings.empty()) {
      co_await on.loop.sleep_until(after(1ms));
    }
    co_await on.loop.sleep_until(after(10ms));
    on.in.write.reset();
  };
  stage.run(options, end_late(stage));
  REQUIRE(stage.warnings.size() == 1);
  CHECK(stage.warnings.front() == "peer has ended, but stdin has not and is silent");
}

TEST_CASE("relay: a peer that is silent after our end is warned of once, when it has taken everything") {
  Scene stage;
  RelayOptions options;
  options.peer_silence_before_warning = 1ms;
  const auto end_late = [](Scene& on) -> Task<> {
    on.in.write.reset();
    while (on.warnings.empty()) {
      co_await on.loop.sleep_until(after(1ms));
    }
    co_await on.loop.sleep_until(after(10ms));
    shutdown(on.peer.fd.get(), SHUT_WR);
  };
  stage.run(options, end_late(stage));
  REQUIRE(stage.warnings.size() == 1);
  CHECK(stage.warnings.front() ==
        "stdin has ended and peer has taken everything, but is silent and has not closed");
}

TEST_CASE("relay: nothing moves and the idle time-out ends it") {
  Scene stage;
  RelayOptions options;
  options.idle_timeout = short_time;
  CHECK_THROWS_WITH_AS(stage.run(options, play_local(stage, Local::stays_open)),
                       "no byte in either direction for 0.15 s", TimedOut);
  CHECK(stage.tally.sent == said.size());
}

TEST_CASE("relay: output whose reader has gone is a broken pipe of standard output") {
  Scene stage;
  const auto lose_reader = [](Scene& on) -> Task<> {
    on.out.read.reset();
    co_return;
  };
  const auto error = thrown_by<Error>([&] { stage.run({}, lose_reader(stage)); });
  REQUIRE(error);
  CHECK(error->number() == EPIPE);
  CHECK(error->origin() == Origin::standard_output);
}

// Both directions end inside spawn(), before the relay has begun to wait.
TEST_CASE("relay: until local a reset that came before the start is no success") {
  Scene stage;
  stage.in.write.reset();
  stage.reset_peer();
  RelayOptions options;
  options.until = Until::local;
  CHECK_THROWS_AS(stage.run(options, []() -> Task<> { co_return; }()), Error);
}

TEST_CASE("relay: enough received is the end, though the peer talks on, which has what was said to it") {
  const auto much = noise(3'000'000);
  for (const bool unix_stream : {false, true}) {
    CAPTURE(unix_stream);
    Scene stage(unix_stream ? unix_pair() : tcp_pair());
    std::string received;
    const auto talk_on = [](Scene& on, const std::string& bytes, std::string& heard) -> Task<> {
      put(on.in.write.get(), said);
      co_await read_until(on.peer, heard, said.size());
      for (;;) {
        if (send(on.peer.fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0) continue;
        if (errno != EAGAIN) break;
        on.peer.watch.forget_writable();
        co_await on.peer.watch.writable();
      }
    };
    RelayOptions options;
    options.inward.limit = 1000;
    stage.run(options, talk_on(stage, much, received));
    CHECK(stage.output() == much.substr(0, 1000));
    CHECK(stage.tally.received == 1000);
    CHECK(received == said);
    CHECK(stage.warnings.empty());
  }
}

TEST_CASE("relay: enough received and a peer that stays open is not waited for") {
  Scene stage;
  const auto talk = [](Scene& on) -> Task<> { co_await write_all(on.peer, greeting); };
  RelayOptions options;
  options.inward.limit = 4;
  options.eof_timeout = 1h;
  stage.run(options, talk(stage));
  CHECK(stage.output() == greeting.substr(0, 4));
  CHECK(stage.output_has_ended());
  CHECK(stage.warnings.empty());
}

TEST_CASE("relay: as much as is enough and then the end of the peer is the end") {
  Scene stage;
  const auto talk = [](Scene& on) -> Task<> {
    co_await write_all(on.peer, greeting);
    shutdown(on.peer.fd.get(), SHUT_WR);
  };
  RelayOptions options;
  options.inward.limit = greeting.size();
  stage.run(options, talk(stage));
  CHECK(stage.output() == greeting);
  CHECK(stage.warnings.empty());
}

TEST_CASE("relay: a record beyond what is enough ends our side all the same") {
  Scene stage(record_pair());
  std::size_t sent = 0;
  const auto talk_on = [](Scene& on, std::size_t& count) -> Task<> {
    const std::string record(1000, 'x');
    while (count < 2000) {
      if (send(on.peer.fd.get(), record.data(), record.size(), MSG_NOSIGNAL) > 0) {
        ++count;
        continue;
      }
      if (errno != EAGAIN) break;
      on.peer.watch.forget_writable();
      co_await on.peer.watch.writable();
    }
    shutdown(on.peer.fd.get(), SHUT_WR);
  };
  RelayOptions options;
  options.inward.limit = 1500;
  stage.run(options, talk_on(stage, sent));
  CHECK(sent < 2000);
  CHECK(stage.output().size() == 2000);
  CHECK(stage.tally.received == 2000);
}

TEST_CASE("relay: records go both ways until both sides have ended") {
  Scene stage(record_pair());
  std::vector<std::string> received;
  const auto talk = [](Scene& on, std::vector<std::string>& heard) -> Task<> {
    put_record(on.peer.fd.get(), "one\n");
    put_record(on.peer.fd.get(), "two\n");
    shutdown(on.peer.fd.get(), SHUT_WR);
    put(on.in.write.get(), "three\nfour");
    on.in.write.reset();
    for (auto got = State::again; got != State::eof;) {
      std::vector<std::byte> buffer(100);
      const auto result = receive_record(describe(on.peer.fd.get(), "us", Origin::peer), buffer);
      got = result.state;
      if (got == State::moved) heard.push_back(string_of(std::span(buffer).first(result.bytes)));
      if (got != State::again) continue;
      on.peer.watch.forget_readable();
      co_await on.peer.watch.readable();
    }
  };
  stage.run({}, talk(stage, received));
  CHECK(stage.output() == "one\ntwo\n");
  CHECK(received == std::vector<std::string>{"three\n", "four"});
  CHECK(stage.tally.sent == 10);
  CHECK(stage.tally.received == 8);
}

TEST_CASE("relay: what receives in place of the pump ends our side when it has ended") {
  Scene stage;
  std::string received;
  const auto receive = [](Scene& on, const std::string& at_peer) -> Task<> {
    while (at_peer.size() < said.size()) {
      co_await on.loop.next_turn();
    }
  };
  const auto talk = [](Scene& on, std::string& heard) -> Task<> {
    put(on.in.write.get(), said);
    co_await write_all(on.peer, greeting);  // stays unread
    co_await read_to_end(on.peer, heard);
    shutdown(on.peer.fd.get(), SHUT_WR);
  };
  RelayOptions options;
  options.receive = [&] { return receive(stage, received); };
  stage.run(options, talk(stage, received));
  CHECK(received == said);
  CHECK(stage.tally.sent == said.size());
  CHECK(stage.output().empty());
}

TEST_CASE("relay: a failure of what receives in place of the pump is thrown") {
  Scene stage;
  const auto fail = []() -> Task<> {
    auto& loop = co_await this_loop();
    co_await loop.next_turn();
    throw Error(EPROTO, "receive", Origin::peer);
  };
  RelayOptions options;
  options.receive = fail;
  CHECK_THROWS_WITH_AS(stage.run(options, []() -> Task<> { co_return; }()), "receive: Protocol error", Error);
}

TEST_CASE("relay: a reader that may leave ends nothing and what comes then is dropped") {
  const auto much = noise(3'000'000);
  for (const bool unix_stream : {false, true}) {
    CAPTURE(unix_stream);
    Scene stage(unix_stream ? unix_pair() : tcp_pair());
    std::string received;
    const auto talk_on = [](Scene& on, const std::string& bytes, std::string& heard) -> Task<> {
      co_await write_all(on.peer, greeting);
      while (on.tally.received < greeting.size()) {
        co_await on.loop.next_turn();
      }
      on.out.read.reset();
      co_await write_all(on.peer, bytes);
      put(on.in.write.get(), said);
      on.in.write.reset();
      co_await read_to_end(on.peer, heard);
      shutdown(on.peer.fd.get(), SHUT_WR);
    };
    RelayOptions options;
    options.reader_may_leave = true;
    stage.run(options, talk_on(stage, much, received));
    CHECK(received == said);
    CHECK(stage.tally.received >= greeting.size());
    CHECK(stage.tally.received < much.size());
  }
}

TEST_CASE("relay: left open, the connection is ended in no way") {
  auto sockets = tcp_pair();
  const UniqueFd other_owner(dup(sockets.ours.get()));
  Scene stage(std::move(sockets));
  std::string received;
  const auto say_and_end = [](Scene& on, std::string& heard) -> Task<> {
    put(on.in.write.get(), said);
    on.in.write.reset();
    co_await read_until(on.peer, heard, said.size());
  };
  RelayOptions options;
  options.leave_open = true;
  options.half_close = false;
  options.until = Until::local;
  stage.run(options, say_and_end(stage, received));
  CHECK(received == said);
  char byte = 0;
  CHECK(read(stage.peer.fd.get(), &byte, 1) == -1);
  CHECK(errno == EAGAIN);
  put(stage.peer.fd.get(), greeting);
  fcntl(other_owner.get(), F_SETFL, 0);
  CHECK(recv(other_owner.get(), &byte, 1, 0) == 1);
}

TEST_CASE("relay: a rate holds for each direction") {
  Scene stage;
  const auto content = noise(20'000);
  std::string received, at_output;
  const auto talk = [](Scene& on, const std::string& bytes, std::string& heard) -> Task<> {
    put(on.in.write.get(), bytes);
    on.in.write.reset();
    co_await write_all(on.peer, bytes);
    shutdown(on.peer.fd.get(), SHUT_WR);
    co_await read_to_end(on.peer, heard);
  };
  const auto read_output = [](Scene& on, std::string& bytes) -> Task<> {
    FarEnd stream(on.loop, std::move(on.out.read));
    co_await read_to_end(stream, bytes);
  };
  RelayOptions options;
  options.rate = 1'000'000;
  const auto begun = Clock::now();
  stage.run(options, all(talk(stage, content, received), read_output(stage, at_output)));
  CHECK(Clock::now() - begun >= 15ms);  // 20 ms less the slice that is saved up; no upper bound
  CHECK(difference(received, content) == "");
  CHECK(difference(at_output, content) == "");
}

TEST_CASE("drain: records are dropped whole, empty ones too, until the end") {
  EventLoop loop;
  auto sockets = record_pair();
  Stream stream(loop, std::move(sockets.ours), "peer", Origin::peer);
  tell_empty_records_from_the_end(stream.facts());
  for (const auto& record : {std::string(70'000, 'x'), std::string(), std::string("y")})
    put_record(sockets.theirs.get(), record);
  CHECK_FALSE(loop.run(stream.drain(after(short_time))));
  put_record(sockets.theirs.get(), "");
  sockets.theirs.reset();
  CHECK(loop.run(stream.drain(never)));
}

TEST_CASE("drain: it drops what comes until the end or the deadline") {
  for (const bool unix_stream : {false, true}) {
    CAPTURE(unix_stream);
    EventLoop loop;
    auto sockets = unix_stream ? unix_pair() : tcp_pair();
    Stream stream(loop, std::move(sockets.ours), "peer", Origin::peer);
    put(sockets.theirs.get(), noise(10'000));
    CHECK_FALSE(loop.run(stream.drain(after(short_time))));
    CHECK(read_available(stream.facts().fd).empty());
    put(sockets.theirs.get(), noise(10'000));
    shutdown(sockets.theirs.get(), SHUT_WR);
    CHECK(loop.run(stream.drain(never)));
  }
}

TEST_CASE("drain: a reset is an error") {
  EventLoop loop;
  auto sockets = tcp_pair();
  Stream stream(loop, std::move(sockets.ours), "peer", Origin::peer);
  reset_connection(sockets.theirs);
  CHECK_THROWS_WITH_AS(loop.run(stream.drain(never)), "recv peer: Connection reset by peer", Error);
}

TEST_CASE("wait_until_acknowledged: what a unix peer has not read is not acknowledged") {
  EventLoop loop;
  auto sockets = unix_pair();
  Stream stream(loop, std::move(sockets.ours), "peer", Origin::peer);
  CHECK(loop.run(stream.wait_until_acknowledged(never)));
  put(stream.facts().fd, "unread");
  CHECK_FALSE(loop.run(stream.wait_until_acknowledged(after(short_time))));
  read_available(sockets.theirs.get());
  CHECK(loop.run(stream.wait_until_acknowledged(never)));
}

TEST_CASE("wait_until_acknowledged: a reset is an error") {
  EventLoop loop;
  auto sockets = tcp_pair();
  Stream stream(loop, std::move(sockets.ours), "peer", Origin::peer);
  put(stream.facts().fd, "acknowledged");
  CHECK(loop.run(stream.wait_until_acknowledged(never)));
  reset_connection(sockets.theirs);
  CHECK_THROWS_WITH_AS(loop.run(stream.wait_until_acknowledged(never)), "send peer: Connection reset by peer",
                       Error);
}

TEST_CASE("wait_until_acknowledged: a reset that another call has been told of is an error") {
  EventLoop loop;
  auto sockets = tcp_pair();
  Stream stream(loop, std::move(sockets.ours), "peer", Origin::peer);
  const std::string bytes(65536, 'x');
  while (stream.write_some(std::as_bytes(std::span(bytes))).bytes > 0) {
  }
  reset_connection(sockets.theirs);
  CHECK(stream.take_error() == ECONNRESET);
  CHECK_THROWS_WITH_AS(loop.run(stream.wait_until_acknowledged(after(1min))),
                       "send peer: Connection reset by peer", Error);
}

TEST_CASE("wait_until_acknowledged: a reset just as the queue is looked at is no success") {
  EventLoop loop;
  auto sockets = tcp_pair();
  Stream stream(loop, std::move(sockets.ours), "peer", Origin::peer);
  put(stream.facts().fd, "acknowledged");
  CHECK(loop.run(stream.wait_until_acknowledged(never)));
  int looks = 0;
  const CallObserver reset_at_second_look = [&](const ObservedCall& call) {
    if (call.name == "ioctl" && ++looks == 2) reset_connection(sockets.theirs);
  };
  set_call_observer(&reset_at_second_look);
  CHECK_THROWS_WITH_AS(loop.run(stream.wait_until_acknowledged(never)), "send peer: Connection reset by peer",
                       Error);
  set_call_observer(nullptr);
  CHECK(looks == 2);
}

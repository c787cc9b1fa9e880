#include "flow/stream.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <string>
#include <vector>

#include "../support/block_transform.hpp"
#include "../support/descriptors.hpp"
#include "../support/far_ends.hpp"
#include "../support/files.hpp"
#include "../support/thrown.hpp"
#include "base/error.hpp"
#include "flow/event_loop.hpp"
#include "flow/relay.hpp"
#include "flow/run_pump.hpp"
#include "flow/task_group.hpp"
#include "os/calls.hpp"

using namespace sockx;
using namespace test;
using namespace std::chrono_literals;

namespace {

using State = IoResult::State;
using Kind = Block::Kind;

std::span<const std::byte> as_bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A stream over a socket, and the test's end of that.
struct Ends {
  explicit Ends(bool transformed, SocketEnds sockets = tcp_pair())
      : stream(loop, std::move(sockets.ours), "peer", Origin::peer), far(loop, std::move(sockets.theirs)) {
    signal(SIGPIPE, SIG_IGN);
    if (transformed) stream.transform_by(make_block_transform);
  }
  /// What the stream has written is on the wire.
  std::string wire() const { return read_available(far.fd.get()); }
  /// Has the far end say this, as a block where the stream is transformed.
  void say(const std::string& text) const {
    put(far.fd.get(), stream.is_plain() ? text : Block{Kind::data, text}.encoded());
  }
  void end() const {
    if (!stream.is_plain()) put(far.fd.get(), Block{Kind::end, {}}.encoded());
    shutdown(far.fd.get(), SHUT_WR);
  }
  /// All that can be read without waiting.
  std::string read() {
    std::string all;
    std::array<std::byte, 700> buffer;
    for (;;) {
      const auto got = stream.read_some(buffer);
      if (got.state != State::moved) return all;
      all += text_of(std::span(buffer).first(got.bytes));
    }
  }

  EventLoop loop;
  Stream stream;
  FarEnd far;
};

/// The content of the data blocks in `wire`, which also begins with no other.
std::string data_in(std::string_view wire) {
  std::string data;
  while (const auto block = Block::take(wire)) {
    if (block->kind == Kind::data) data += block->content;
  }
  CHECK(wire.empty());
  return data;
}

}  // namespace

TEST_CASE("stream: what is read and written goes through the transform") {
  Ends ends(true);
  CHECK_FALSE(ends.stream.is_plain());
  ends.say("hello");
  CHECK(ends.loop.run(ends.stream.peek({}, 0)) == 0);
  std::array<std::byte, 5> buffer;
  CHECK(ends.loop.run(ends.stream.read_exactly(buffer)) == 5);
  CHECK(text_of(buffer) == "hello");
  ends.loop.run(ends.stream.write_all(as_bytes_of("answer")));
  CHECK(ends.wire() == Block{Kind::data, "answer"}.encoded());
}

TEST_CASE("stream: a transform holds what is less than a block until it is flushed") {
  Ends ends(true);
  CHECK(ends.stream.write_some(as_bytes_of("held")).bytes == 4);
  CHECK(ends.stream.is_holding());
  CHECK(ends.wire().empty());
  CHECK(ends.stream.flush_some());
  CHECK_FALSE(ends.stream.is_holding());
  CHECK(data_in(ends.wire()) == "held");
}

TEST_CASE("stream: several pieces go out in their order, plain or not") {
  for (const bool transformed : {false, true}) {
    CAPTURE(transformed);
    Ends ends(transformed);
    const std::string first = "one ", second = "two ", third = "three";
    const std::vector<std::span<const std::byte>> pieces{as_bytes_of(first), as_bytes_of(second),
                                                         as_bytes_of(third)};
    CHECK(ends.stream.write_gathered(pieces).bytes == 13);
    CHECK(ends.stream.flush_some());
    CHECK((transformed ? data_in(ends.wire()) : ends.wire()) == "one two three");
  }
}

TEST_CASE("stream: more pieces than one call takes do not count as a full socket") {
  Ends ends(false);
  const std::string piece = "x";
  const std::vector<std::span<const std::byte>> pieces(100, as_bytes_of(piece));
  CHECK(ends.stream.write_gathered(pieces).bytes < 100);
  const auto wait = [](Stream& stream) -> Task<bool> { co_return co_await stream.writable(after(0s)); };
  CHECK(ends.loop.run(wait(ends.stream)));
}

TEST_CASE("stream: half-closing sends what is held, then the transform's end, then that of the socket") {
  for (const bool transformed : {false, true}) {
    CAPTURE(transformed);
    Ends ends(transformed);
    ends.stream.write_some(as_bytes_of("last words"));
    ends.loop.run(ends.stream.finish_writing());
    ends.loop.run(ends.stream.finish_writing());  // once is enough
    std::string heard;
    ends.loop.run(read_to_end(ends.far, heard));
    const auto expected = transformed
                              ? Block{Kind::data, "last words"}.encoded() + Block{Kind::end, {}}.encoded()
                              : std::string("last words");
    CHECK(heard == expected);
    ends.say("still heard");
    CHECK(ends.read() == "still heard");
  }
}

TEST_CASE("stream: the end of a transform is its own, and the descriptor's before that is a fault") {
  Ends ends(true);
  ends.say("all");
  put(ends.far.fd.get(), Block{Kind::end, {}}.encoded());  // without FIN
  CHECK(ends.read() == "all");
  std::byte next;
  CHECK(ends.stream.read_some({&next, 1}).state == State::eof);
  CHECK(ends.stream.look_ahead().state == State::eof);
  CHECK(ends.loop.run(ends.stream.drain(never)));

  Ends cut(true);
  cut.say("a part");
  shutdown(cut.far.fd.get(), SHUT_WR);
  std::string heard;
  CHECK_THROWS_WITH_AS(heard = cut.read(), "the end is missing: Protocol error", Error);
}

TEST_CASE("stream: a question is answered by reading alone, though nobody writes") {
  Ends ends(true);
  put(ends.far.fd.get(), Block{Kind::question, "?"}.encoded());
  CHECK(ends.read().empty());
  CHECK(ends.wire() == Block{Kind::answer, "?"}.encoded());
}

TEST_CASE("stream: a reader whose answer finds no room is woken when there is some") {
  Ends ends(true);
  const auto filler = fill(ends.stream.facts().fd);
  put(ends.far.fd.get(), Block{Kind::question, "?"}.encoded());
  ends.say("behind the question");
  std::string heard, said;
  const auto read = [&]() -> Task<> {
    std::array<std::byte, 100> buffer;
    const auto size = co_await ends.stream.peek(buffer, 19);
    said = text_of(std::span(buffer).first(size));
  };
  // The far end says no more until it has the answer.
  const auto answer = Block{Kind::answer, "?"}.encoded();
  ends.loop.run(all(read(), read_until(ends.far, heard, filler + answer.size())));
  CHECK(said == "behind the question");
  CHECK(heard.substr(filler) == answer);
}

TEST_CASE("stream: an answer that cannot be sent is the writer's failure and not the reader's") {
  Ends ends(true, unix_pair());
  ends.say("last words");
  put(ends.far.fd.get(), Block{Kind::question, "?"}.encoded() + Block{Kind::data, " and more"}.encoded() +
                             Block{Kind::end, {}}.encoded());
  std::array<std::byte, 10> buffer;
  CHECK(ends.stream.write_some(as_bytes_of("unsent")).bytes == 6);
  shutdown(ends.far.fd.get(), SHUT_RD);
  CHECK(ends.stream.read_some(buffer).bytes == 10);  // flushes what is held, which fails
  CHECK(text_of(buffer) == "last words");
  CHECK_THROWS_AS(ends.stream.write_some(as_bytes_of("more")), Error);
}

TEST_CASE("stream: what cannot be sent is the failure of a reader for whom nothing has come") {
  Ends ends(true, unix_pair());
  CHECK(ends.stream.write_some(as_bytes_of("unsent")).bytes == 6);
  shutdown(ends.far.fd.get(), SHUT_RD);
  auto draining = ends.stream.drain(never);
  CHECK_THROWS_AS(ends.loop.run(std::move(draining)), Error);
}

TEST_CASE("stream: what is peeked at is read again") {
  for (const bool transformed : {false, true}) {
    CAPTURE(transformed);
    Ends ends(transformed);
    std::array<std::byte, 100> buffer;
    const auto later = [&]() -> Task<> {
      auto& loop = co_await this_loop();
      ends.say("first ");
      co_await loop.next_turn();
      co_await loop.next_turn();
      ends.say("second");
    };
    std::size_t size = 0;
    const auto peek = [&]() -> Task<> { size = co_await ends.stream.peek(buffer, 8); };
    ends.loop.run(all(peek(), later()));
    CHECK(text_of(std::span(buffer).first(size)) == "first second");
    CHECK(ends.stream.look_ahead().state == State::moved);
    const auto wait = [](Stream& stream) -> Task<bool> { co_return co_await stream.readable(after(0s)); };
    CHECK(ends.loop.run(wait(ends.stream)));
    CHECK(ends.read() == "first second");
    CHECK(ends.stream.look_ahead().state == State::again);
  }
}

TEST_CASE("stream: peeking ends with the bytes that there are when no more will come") {
  for (const bool transformed : {false, true}) {
    CAPTURE(transformed);
    Ends ends(transformed);
    ends.say("short");
    ends.end();
    std::array<std::byte, 100> buffer;
    CHECK(ends.loop.run(ends.stream.peek(buffer, 50)) == 5);
    CHECK(ends.read() == "short");
  }
}

TEST_CASE("stream: peeking at what does not come is a time-out") {
  Ends ends(false);
  std::array<std::byte, 4> buffer;
  CHECK_THROWS_WITH_AS(ends.loop.run(ends.stream.peek(buffer, 1, after(1ms))), "peer: timed out", TimedOut);
}

TEST_CASE("stream: a pipe can be peeked at too, and then is not plain before that has been read") {
  EventLoop loop;
  auto pipe = make_pipe_ends();
  Stream stream(loop, std::move(pipe.read), "pipe", Origin::local_file);
  put(pipe.write.get(), "bytes");
  std::array<std::byte, 2> buffer;
  CHECK(loop.run(stream.peek(buffer, 2)) == 2);
  CHECK_FALSE(stream.is_plain());
  CHECK(loop.run(stream.read_exactly(buffer)) == 2);
  CHECK(stream.is_plain());
  CHECK(read_available(stream.facts().fd) == "tes");
}

TEST_CASE("stream: a line is read no further than to its end") {
  for (const bool transformed : {false, true}) {
    CAPTURE(transformed);
    Ends ends(transformed);
    ends.say("HTTP/1.1 200 OK\r\n\nrest");
    CHECK(ends.loop.run(ends.stream.read_line(100)) == "HTTP/1.1 200 OK\r");
    CHECK(ends.loop.run(ends.stream.read_line(100)) == "");
    CHECK(ends.read() == "rest");
    ends.say("exact\n");
    CHECK(ends.loop.run(ends.stream.read_line(5)) == "exact");
    ends.say("unfinished");
    ends.end();
    CHECK_FALSE(ends.loop.run(ends.stream.read_line(100)).has_value());
  }
}

TEST_CASE("stream: a line that comes byte by byte is one line, and one that is too long a fault") {
  Ends ends(false);
  std::optional<std::string> line;
  const auto read = [&]() -> Task<> { line = co_await ends.stream.read_line(100); };
  const auto speak = [&]() -> Task<> {
    auto& loop = co_await this_loop();
    for (const char letter : std::string("slow\n")) {
      ends.say({letter});
      co_await loop.next_turn();
      co_await loop.next_turn();
    }
  };
  ends.loop.run(all(read(), speak()));
  CHECK(line == "slow");
  ends.say("longer\n");
  const auto error = thrown_by<Error>([&] { ends.loop.run(ends.stream.read_line(5)); });
  REQUIRE(error);
  CHECK(error->number() == EMSGSIZE);
}

TEST_CASE("stream: fewer bytes than asked for are read where the end comes first") {
  Ends ends(false);
  ends.say("three");
  ends.end();
  std::array<std::byte, 10> buffer;
  CHECK(ends.loop.run(ends.stream.read_exactly(buffer)) == 5);
}

TEST_CASE("stream: everything is written though the reader is slow, and nothing after a time-out is lost") {
  for (const bool transformed : {false, true}) {
    CAPTURE(transformed);
    Ends ends(transformed);
    const auto content = noise(8'000'000);
    std::string heard;
    const auto write = [&]() -> Task<> {
      co_await ends.stream.write_all(as_bytes_of(content));
      co_await ends.stream.finish_writing();
    };
    ends.loop.run(all(write(), read_to_end(ends.far, heard, 12'345)));
    CHECK(difference(transformed ? data_in(heard) : heard, content) == "");
    Ends full(transformed);
    fill(full.stream.facts().fd);
    CHECK_THROWS_AS(full.loop.run(full.stream.write_all(as_bytes_of(content), after(1ms))), TimedOut);
  }
}

TEST_CASE("stream: what a transform holds is not acknowledged") {
  Ends ends(true);
  fill(ends.stream.facts().fd);
  ends.stream.write_some(as_bytes_of("held"));
  CHECK_FALSE(ends.loop.run(ends.stream.wait_until_acknowledged(after(1ms))));
  std::string heard;
  bool is_taken = false;
  const auto wait = [&]() -> Task<> {
    is_taken = co_await ends.stream.wait_until_acknowledged(never);
    shutdown(ends.stream.facts().fd, SHUT_WR);
  };
  ends.loop.run(all(wait(), read_to_end(ends.far, heard)));
  CHECK(is_taken);
  CHECK(heard.ends_with(Block{Kind::data, "held"}.encoded()));
}

TEST_CASE("stream: a transform sees what is dropped") {
  Ends ends(true);
  ends.say("dropped");
  put(ends.far.fd.get(), Block{Kind::question, "?"}.encoded());
  ends.say("as well");
  ends.end();
  std::uint64_t dropped = 0;
  CHECK(ends.loop.run(ends.stream.drain(never, nullptr, &dropped)));
  CHECK(dropped == 14);
  CHECK(ends.wire() == Block{Kind::answer, "?"}.encoded());
}

TEST_CASE("stream: closing leaves the facts and lets whoever reads behind it see the end") {
  EventLoop loop;
  auto pipe = make_pipe_ends();
  Stream stream(loop, std::move(pipe.write), "pipe", Origin::local_file);
  put(stream.facts().fd, "x");
  stream.close();
  CHECK(read_available(pipe.read.get()) == "x");
  char byte = 0;
  CHECK(read(pipe.read.get(), &byte, 1) == 0);
  CHECK(stream.name() == "pipe");
}

TEST_CASE("stream: the kernel moves bytes between plain streams only") {
  const Folder folder;
  EventLoop loop;
  for (const bool transformed : {false, true}) {
    CAPTURE(transformed);
    Ends ends(transformed);
    UniqueFd file(open(write_file(folder / "file", "content").c_str(), O_RDONLY | O_CLOEXEC));
    Stream source(ends.loop, std::move(file), "file", Origin::local_file);
    for (const auto method : {TransferMethod::automatic, TransferMethod::sendfile, TransferMethod::splice,
                              TransferMethod::mmap, TransferMethod::zero_copy}) {
      const Pump pump(source, ends.stream, {.method = method});
      CHECK((pump.method() == "read-write") == transformed);
    }
    Stream null(ends.loop, open_null(), "/dev/null", Origin::local_file);
    const Pump dropping(ends.stream, null);
    CHECK((dropping.method() == "discard") == !transformed);
  }
}

TEST_CASE("pump: it ends when a transformed sink holds nothing any more") {
  Ends ends(true);
  auto pipe = make_pipe_ends();
  Stream source(ends.loop, std::move(pipe.read), "pipe", Origin::local_file);
  put(pipe.write.get(), "some");
  Pump pump(source, ends.stream);
  CHECK(pump.step() == Pump::State::wants_input);
  CHECK(data_in(ends.wire()) == "some");  // the source is silent: nothing is held back
  const auto filler = fill(ends.stream.facts().fd);
  put(pipe.write.get(), "rest");
  pipe.write.reset();
  CHECK(pump.step() == Pump::State::wants_output);
  CHECK(pump.is_holding());
  CHECK(pump.bytes() == 8);
  CHECK(ends.wire().size() >= filler);
  CHECK(pump.step() == Pump::State::finished);
  CHECK_FALSE(pump.is_holding());
  CHECK(data_in(ends.wire()) == "rest");
}

TEST_CASE("pump: bytes go both ways at once between two transforms, whole") {
  EventLoop loop;
  auto sockets = tcp_pair();
  Stream left(loop, std::move(sockets.ours), "left", Origin::peer);
  Stream right(loop, std::move(sockets.theirs), "right", Origin::peer);
  left.transform_by(make_block_transform);
  right.transform_by(make_block_transform);
  const auto content = noise(3'000'000);
  const auto carry = [&](Stream& from, Stream& to) -> Task<> {
    Pump pump(from, to);
    co_await run_pump(pump);
    co_await to.finish_writing();
  };
  std::string echoed;
  const auto say = [&]() -> Task<> {
    co_await left.write_all(as_bytes_of(content));
    co_await left.finish_writing();
  };
  const auto hear = [&]() -> Task<> {
    std::vector<std::byte> buffer(content.size() + 1);
    const auto size = co_await left.read_exactly(buffer);
    echoed = text_of(std::span(buffer).first(size));
  };
  loop.run(all(all(say(), hear()), carry(right, right)));
  CHECK(difference(echoed, content) == "");
}

TEST_CASE("relay: a conversation through a transform ends by the ends of the transform") {
  Ends ends(true);
  auto in = make_pipe_ends(), out = make_pipe_ends();
  Stream input(ends.loop, std::move(in.read), "stdin", Origin::local_file);
  Stream output(ends.loop, std::move(out.write), "stdout", Origin::standard_output);
  const auto answer = Block{Kind::answer, "?"}.encoded();
  std::string heard;
  Tally tally;
  const auto peer = [&]() -> Task<> {
    put(ends.far.fd.get(),
        Block{Kind::question, "?"}.encoded() + Block{Kind::data, "what it says"}.encoded());
    co_await read_until(ends.far, heard, answer.size());
    put(in.write.get(), "what we say");
    in.write.reset();
    co_await read_to_end(ends.far, heard);
    put(ends.far.fd.get(), Block{Kind::question, "too late"}.encoded());
    ends.end();
  };
  auto conversation = relay({input, output}, {ends.stream, ends.stream}, {}, tally, [](const RelayEvent&) {});
  ends.loop.run(all(std::move(conversation), peer()));
  CHECK(read_available(out.read.get()) == "what it says");
  CHECK(tally.sent == 11);
  CHECK(tally.received == 12);
  CHECK(heard == answer + Block{Kind::data, "what we say"}.encoded() + Block{Kind::end, {}}.encoded());
}

// The methods for sockets that keep records apart, through the Pump that drives them.
#include "../../support/records.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "../../support/files.hpp"
#include "../../support/pump_between.hpp"
#include "../../support/thrown.hpp"
#include "base/error.hpp"
#include "flow/pump.hpp"
#include "os/records.hpp"

using namespace sockx;
using namespace test;
using namespace std::chrono_literals;

namespace {

using Kind = Framing::Kind;

Descriptor local(const UniqueFd& fd, const char* name) {
  return describe(fd.get(), name, Origin::local_file);
}

Processing framed(Kind kind, std::size_t size = 0) {
  Processing processing;
  processing.framing = {kind, size};
  return processing;
}

/// From a pipe into a socket of records.
struct Sending {
  explicit Sending(Processing processing, std::uint64_t limit = PumpOptions().limit)
      : pump(local(source.read, "source"), describe(sockets.ours.get(), "peer", Origin::peer),
             {.limit = limit, .processing = std::move(processing)}) {
    tell_empty_records_from_the_end(describe(sockets.theirs.get(), "ours", Origin::peer));
  }
  std::string arrived() const { return take_record(sockets.theirs.get()); }
  bool has_arrived() const {
    char byte = 0;
    return recv(sockets.theirs.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
  }

  PipeEnds source = make_pipe_ends();
  SocketEnds sockets = record_pair();
  PumpBetween pump;
};

/// From a socket of records into a pipe.
struct Receiving {
  explicit Receiving(Processing processing, std::uint64_t limit = PumpOptions().limit)
      : pump(describe(sockets.ours.get(), "peer", Origin::peer), local(sink.write, "sink"),
             {.limit = limit, .processing = std::move(processing)}) {
    tell_empty_records_from_the_end(pump.from().facts());
  }
  std::string arrived() const { return read_available(sink.read.get()); }

  SocketEnds sockets = record_pair();
  PipeEnds sink = make_pipe_ends();
  PumpBetween pump;
};

/// Steps until the pump is done; for a source that is never empty before its end.
void step_to_end(Pump& pump) {
  for (auto state = Pump::State::yielded; state != Pump::State::finished; state = pump.step())
    REQUIRE(state == Pump::State::yielded);
}

const std::vector<std::size_t> sizes{0, 1, 1000, 70'000, 0, 0, 3};

std::vector<std::string> various_records() {
  std::vector<std::string> records;
  for (const auto size : sizes) records.push_back(noise(size, size + 1));
  return records;
}

std::string all_counted(const std::vector<std::string>& records) {
  std::string bytes;
  for (const auto& record : records) bytes += counted(record);
  return bytes;
}

}  // namespace

TEST_CASE("records: counted ones of every size arrive as they were cut") {
  const Folder folder;
  const auto records = various_records();
  const UniqueFd source(open(write_file(folder / "source", all_counted(records)).c_str(), O_RDONLY));
  const auto sockets = record_pair();
  tell_empty_records_from_the_end(describe(sockets.theirs.get(), "ours", Origin::peer));
  PumpBetween pump(local(source, "source"), describe(sockets.ours.get(), "peer", Origin::peer),
                   {.processing = framed(Kind::len32)});
  CHECK(pump.method() == "records");
  step_to_end(pump);
  for (const auto& record : records) CHECK(difference(take_record(sockets.theirs.get()), record) == "");
  CHECK(pump.bytes() == 71'004);  // of the records themselves
}

TEST_CASE("records: received ones of every size are counted, and the end is told from an empty one") {
  const Folder folder;
  const auto records = various_records();
  const UniqueFd sink(open(write_file(folder / "sink", "").c_str(), O_WRONLY));
  auto sockets = record_pair();
  const auto peer = describe(sockets.ours.get(), "peer", Origin::peer);
  tell_empty_records_from_the_end(peer);
  for (const auto& record : records) put_record(sockets.theirs.get(), record);
  sockets.theirs.reset();
  PumpBetween pump(peer, local(sink, "sink"), {.processing = framed(Kind::len32)});
  CHECK(pump.method() == "records");
  step_to_end(pump);
  CHECK(difference(read_file(folder / "sink"), all_counted(records)) == "");
  CHECK(pump.bytes() == 71'004);
}

TEST_CASE("records: without counting they are received one behind the other") {
  Receiving receiving(framed(Kind::line));
  for (const auto* record : {"one", "", "two\n"}) put_record(receiving.sockets.theirs.get(), record);
  CHECK(receiving.pump.step() == Pump::State::wants_input);
  CHECK(receiving.arrived() == "onetwo\n");
  CHECK(receiving.pump.bytes() == 7);
  receiving.sockets.theirs.reset();
  CHECK(receiving.pump.step() == Pump::State::finished);
}

TEST_CASE("records: lines go as soon as they are whole, and a last one without newline at the end") {
  Sending sending(framed(Kind::line));
  CHECK(sending.pump.step() == Pump::State::wants_input);
  put(sending.source.write.get(), "one\ntw");
  CHECK(sending.pump.step() == Pump::State::wants_input);
  CHECK(sending.arrived() == "one\n");
  CHECK_FALSE(sending.has_arrived());
  CHECK(sending.pump.is_holding());
  put(sending.source.write.get(), "o\nthree");
  sending.source.write.reset();
  CHECK(sending.pump.step() == Pump::State::finished);
  CHECK(sending.arrived() == "two\n");
  CHECK(sending.arrived() == "three");
  CHECK_FALSE(sending.has_arrived());
}

TEST_CASE("records: all is one, also when it is nothing") {
  for (const auto* input : {"", "one\ntwo"}) {
    Sending sending(framed(Kind::all));
    put(sending.source.write.get(), input);
    CHECK(sending.pump.step() == Pump::State::wants_input);
    CHECK_FALSE(sending.has_arrived());
    sending.source.write.reset();
    CHECK(sending.pump.step() == Pump::State::finished);
    CHECK(sending.arrived() == input);
    CHECK_FALSE(sending.has_arrived());
  }
}

TEST_CASE("records: an input that ends within a counted one is incomplete") {
  Sending sending(framed(Kind::len32));
  put(sending.source.write.get(), counted("whole") + counted("part").substr(0, 6));
  sending.source.write.reset();
  CHECK_THROWS_WITH_AS(sending.pump.step(), "the input ended within a record: 2 of 4 bytes", Incomplete);
  CHECK(sending.arrived() == "whole");
}

TEST_CASE("records: as large as the socket takes goes and larger is refused with both sizes") {
  auto sockets = record_pair();
  int buffer = 0;
  socklen_t size = sizeof buffer;
  REQUIRE(getsockopt(sockets.ours.get(), SOL_SOCKET, SO_SNDBUF, &buffer, &size) == 0);
  const auto most = static_cast<std::size_t>(buffer) - 32;
  const auto send_one = [&](std::size_t length) {
    const Folder folder;
    const auto path = write_file(folder / "source", std::string(length, 'x'));
    const UniqueFd source(open(path.c_str(), O_RDONLY));
    PumpBetween pump(local(source, "source"), describe(sockets.ours.get(), "peer", Origin::peer),
                     {.processing = framed(Kind::all)});
    step_to_end(pump);
  };
  send_one(most);
  CHECK(take_record(sockets.theirs.get()).size() == most);
  const auto error = thrown_by<Error>([&] { send_one(most + 1); });
  REQUIRE(error);
  CHECK(error->number() == EMSGSIZE);
  CHECK(std::string(error->what()) == "send peer: a record of " + std::to_string(most + 1) +
                                          " bytes, but the socket takes at most " + std::to_string(most) +
                                          ": Message too long");
}

TEST_CASE("records: one longer than is taken is refused with both sizes") {
  auto processing = framed(Kind::line);
  processing.max_record = 1000;
  Receiving receiving(std::move(processing));
  put_record(receiving.sockets.theirs.get(), std::string(1000, 'x'));
  CHECK(receiving.pump.step() == Pump::State::wants_input);
  CHECK(receiving.arrived().size() == 1000);
  put_record(receiving.sockets.theirs.get(), std::string(1001, 'x'));
  CHECK_THROWS_WITH_AS(receiving.pump.step(),
                       "recvmsg peer: a record of 1001 bytes, but at most 1000 are taken: Message too long",
                       Error);
}

TEST_CASE("records: a peer that does not read and a sink that is full are waited for") {
  Sending sending(framed(Kind::line));
  while (send(sending.sockets.ours.get(), "#", 1, MSG_DONTWAIT) == 1) continue;
  put(sending.source.write.get(), "one\n");
  CHECK(sending.pump.step() == Pump::State::wants_output);
  CHECK(sending.pump.bytes() == 0);
  while (sending.has_arrived()) sending.arrived();
  CHECK(sending.pump.step() == Pump::State::wants_input);
  CHECK(sending.arrived() == "one\n");

  Receiving receiving(framed(Kind::len32));
  CHECK(receiving.pump.step() == Pump::State::wants_input);
  fill(receiving.sink.write.get());
  put_record(receiving.sockets.theirs.get(), "one");
  CHECK(receiving.pump.step() == Pump::State::wants_output);
  CHECK(receiving.pump.is_holding());
  receiving.arrived();
  CHECK(receiving.pump.step() == Pump::State::wants_input);
  CHECK(receiving.arrived() == counted("one"));
  CHECK(receiving.pump.bytes() == 3);
}

TEST_CASE("records: stop_input takes no further record once the one in hand is delivered") {
  Receiving receiving(framed(Kind::len32));
  fill(receiving.sink.write.get());
  put_record(receiving.sockets.theirs.get(), "one");
  REQUIRE(receiving.pump.step() == Pump::State::wants_output);
  put_record(receiving.sockets.theirs.get(), "two");
  receiving.pump.stop_input();
  receiving.arrived();
  CHECK(receiving.pump.step() == Pump::State::finished);
  CHECK(receiving.arrived() == counted("one"));
}

TEST_CASE("records: stop_input still sends an empty record that waits") {
  Sending sending(framed(Kind::len32));
  while (send(sending.sockets.ours.get(), "#", 1, MSG_DONTWAIT) == 1) continue;
  put(sending.source.write.get(), counted(""));
  REQUIRE(sending.pump.step() == Pump::State::wants_output);
  sending.pump.stop_input();
  while (sending.has_arrived()) CHECK(sending.arrived() == "#");
  CHECK(sending.pump.step() == Pump::State::finished);
  REQUIRE(sending.has_arrived());
  CHECK(sending.arrived().empty());
}

TEST_CASE("records: one larger than the sink's room arrives piece by piece and is counted once") {
  Receiving receiving(framed(Kind::len32));
  const auto record = noise(150'000);
  put_record(receiving.sockets.theirs.get(), record);
  std::string arrived;
  while (receiving.pump.step() == Pump::State::wants_output) arrived += receiving.arrived();
  arrived += receiving.arrived();
  CHECK(difference(arrived, counted(record)) == "");
  CHECK(receiving.pump.bytes() == record.size());
}

TEST_CASE("records: stop_input sends what has been read, the beginning of a line too") {
  Sending sending(framed(Kind::line));
  put(sending.source.write.get(), "one\ntw");
  REQUIRE(sending.pump.step() == Pump::State::wants_input);
  put(sending.source.write.get(), "o\n");
  sending.pump.stop_input();
  CHECK(sending.pump.step() == Pump::State::finished);
  CHECK(sending.arrived() == "one\n");
  CHECK(sending.arrived() == "tw");
  CHECK_FALSE(sending.has_arrived());
  CHECK(read_available(sending.source.read.get()) == "o\n");
}

TEST_CASE("records: a limit that falls within one ends it there") {
  Sending sending(framed(Kind::size, 4), 6);
  put(sending.source.write.get(), "0123456789");
  CHECK(sending.pump.step() == Pump::State::finished);
  CHECK(sending.arrived() == "0123");
  CHECK(sending.arrived() == "45");
  CHECK(sending.pump.bytes() == 6);
  CHECK(read_available(sending.source.read.get()) == "6789");
}

TEST_CASE("records: a received one is taken whole whatever the limit") {
  Receiving receiving(framed(Kind::line), 4);
  for (const auto* record : {"one", "two", "three"}) put_record(receiving.sockets.theirs.get(), record);
  CHECK(receiving.pump.step() == Pump::State::finished);
  CHECK(receiving.arrived() == "onetwo");
  CHECK(receiving.pump.bytes() == 6);
}

TEST_CASE("records: stages see each one, and the count is of what they made of it") {
  auto with_crlf = framed(Kind::line);
  with_crlf.stages.push_back(make_crlf());
  Sending sending(std::move(with_crlf));
  put(sending.source.write.get(), "one\n\n");
  CHECK(sending.pump.step() == Pump::State::wants_input);
  CHECK(sending.arrived() == "one\r\n");
  CHECK(sending.arrived() == "\r\n");

  auto counted_crlf = framed(Kind::len32);
  counted_crlf.stages.push_back(make_crlf());
  Receiving receiving(std::move(counted_crlf));
  put_record(receiving.sockets.theirs.get(), "one\n");
  CHECK(receiving.pump.step() == Pump::State::wants_input);
  CHECK(receiving.arrived() == counted("one\r\n"));
}

TEST_CASE("records: the line delay lies between two of them") {
  auto processing = framed(Kind::size, 3);
  processing.line_delay = 1h;
  Sending sending(std::move(processing));
  put(sending.source.write.get(), "abcdef");
  const auto before = Clock::now();
  CHECK(sending.pump.step() == Pump::State::held);
  CHECK(sending.pump.held_until() >= before + 1h);
  CHECK(sending.pump.held_until() <= Clock::now() + 1h);
  CHECK(sending.arrived() == "abc");
  CHECK_FALSE(sending.has_arrived());
}

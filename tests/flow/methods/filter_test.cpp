// The filter method, through the Pump that drives it.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <memory>
#include <string>

#include "../../support/descriptors.hpp"
#include "../../support/files.hpp"
#include "../../support/pump_between.hpp"
#include "flow/pump.hpp"
#include "flow/run_pump.hpp"

using namespace sockx;
using namespace test;
using namespace std::chrono_literals;

namespace {

constexpr Duration long_time = 1h;  // a test that waited for it would say so

Processing delayed(Duration delay) {
  Processing processing;
  processing.line_delay = delay;
  return processing;
}

Processing through(std::shared_ptr<Stage> stage) {
  Processing processing;
  processing.stages.push_back(std::move(stage));
  return processing;
}

/// A pump between two pipes.
struct Filtered {
  explicit Filtered(Processing processing, std::uint64_t limit = PumpOptions().limit)
      : pump(described(source.read, "source"), described(sink.write, "sink"),
             {.limit = limit, .processing = std::move(processing)}, &loop) {}
  std::string arrived() const { return read_available(sink.read.get()); }

  EventLoop loop;
  PipeEnds source = make_pipe_ends(), sink = make_pipe_ends();
  PumpBetween pump;
};

/// Runs the pump to its end with the loop's waits; returns how long that took.
Duration run_to_end(Filtered& line) {
  const auto begun = Clock::now();
  line.loop.run(run_pump(line.pump));
  return Clock::now() - begun;
}

}  // namespace

TEST_CASE("filter: a stage makes the pump read and write whatever was asked for") {
  for (const auto method : {TransferMethod::automatic, TransferMethod::splice}) {
    const auto source = make_pipe_ends(), sink = make_pipe_ends();
    const PumpBetween pump(described(source.read, "source"), described(sink.write, "sink"),
                           {.method = method, .processing = through(make_crlf())});
    CHECK(pump.method() == "read-write");
  }
}

TEST_CASE("filter: what the stages make of it arrives and is what is counted") {
  Filtered line(through(make_crlf()));
  put(line.source.write.get(), "one\ntwo\n");
  CHECK(line.pump.step() == Pump::State::wants_input);
  CHECK(line.arrived() == "one\r\ntwo\r\n");
  CHECK(line.pump.bytes() == 10);
  CHECK(line.pump.calls() >= 2);
  line.source.write.reset();
  CHECK(line.pump.step() == Pump::State::finished);
  CHECK(line.pump.step() == Pump::State::finished);
}

TEST_CASE("filter: a sink that is full keeps it in hand, stop_input or not") {
  Filtered line(through(make_crlf()));
  fill(line.sink.write.get());
  put(line.source.write.get(), "taken\n");
  CHECK(line.pump.step() == Pump::State::wants_output);
  CHECK(line.pump.is_holding());
  put(line.source.write.get(), "left\n");
  line.pump.stop_input();
  CHECK(line.pump.step() == Pump::State::wants_output);
  line.arrived();
  CHECK(line.pump.step() == Pump::State::finished);
  CHECK(line.arrived() == "taken\r\n");
  CHECK(read_available(line.source.read.get()) == "left\n");
}

TEST_CASE("filter: the limit is exact and what lies behind it stays in the source") {
  const Folder folder;
  Filtered line(through(make_tee(std::make_shared<SideFile>(folder / "copy"))), 6);
  put(line.source.write.get(), "0123456789");
  CHECK(line.pump.step() == Pump::State::finished);
  CHECK(line.pump.bytes() == 6);
  CHECK(line.arrived() == "012345");
  CHECK(read_file(folder / "copy") == "012345");
  CHECK(read_available(line.source.read.get()) == "6789");
}

TEST_CASE("filter: a step takes no more than it is allowed to") {
  Filtered line(delayed(long_time));
  put(line.source.write.get(), "0123456789");
  CHECK(line.pump.step(3) == Pump::State::yielded);
  CHECK(line.pump.bytes() == 3);
  CHECK(line.pump.step(0) == Pump::State::yielded);
  CHECK(line.arrived() == "012");
}

TEST_CASE("filter: the stream waits for the file beside it and nothing is lost") {
  const Folder folder;
  const auto path = folder / "fifo";
  REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  const UniqueFd reader(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  Filtered line(through(make_tee(std::make_shared<SideFile>(path))));
  const auto content = noise(400'000);
  std::string fed, arrived, copy;
  bool was_held = false;
  while (copy.size() < content.size()) {
    const auto piece = content.substr(fed.size(), 32 * 1024);
    const auto written = piece.empty() ? 0 : write(line.source.write.get(), piece.data(), piece.size());
    if (written > 0) fed += piece.substr(0, static_cast<std::size_t>(written));
    const auto state = line.pump.step();
    arrived += line.arrived();
    if (state == Pump::State::held) {
      was_held = true;
      CHECK(line.pump.held_until() > Clock::now() - 1s);
      CHECK(line.pump.step() == Pump::State::held);  // nobody has read meanwhile
    }
    if (state == Pump::State::held || fed.size() == content.size()) copy += read_available(reader.get());
  }
  line.source.write.reset();
  CHECK(line.pump.step() == Pump::State::finished);
  CHECK(was_held);
  CHECK(difference(arrived, content) == "");
  CHECK(difference(copy, content) == "");
}

TEST_CASE("line delay: a line goes at once and the next is held until the delay has passed") {
  Filtered line(delayed(long_time));
  put(line.source.write.get(), "one\ntwo\nthree");
  const auto before = Clock::now();
  CHECK(line.pump.step() == Pump::State::held);
  const auto after_it = Clock::now();
  CHECK(line.arrived() == "one\n");
  CHECK(line.pump.held_until() >= before + long_time);
  CHECK(line.pump.held_until() <= after_it + long_time);
  const auto until = line.pump.held_until();
  CHECK(line.pump.step() == Pump::State::held);
  CHECK(line.pump.held_until() == until);
  CHECK(line.arrived().empty());
  CHECK(line.pump.bytes() == 4);
}

TEST_CASE("line delay: within a line nothing is held") {
  Filtered line(delayed(long_time));
  for (const auto* piece : {"o", "n", "e"}) {
    put(line.source.write.get(), piece);
    CHECK(line.pump.step() == Pump::State::wants_input);
    CHECK(line.arrived() == piece);
  }
  put(line.source.write.get(), "\n");
  CHECK(line.pump.step() == Pump::State::wants_input);
  put(line.source.write.get(), "two");
  CHECK(line.pump.step() == Pump::State::held);
  CHECK(line.arrived() == "\n");
}

TEST_CASE("line delay: all lines arrive and the delay lies between each two") {
  Filtered line(delayed(10ms));
  put(line.source.write.get(), "one\n\nthree\nfour");
  line.source.write.reset();
  CHECK(run_to_end(line) >= 30ms);
  CHECK(line.arrived() == "one\n\nthree\nfour");
}

TEST_CASE("line delay: after stop_input the lines in hand still go and no other is taken") {
  Filtered line(delayed(5ms));
  put(line.source.write.get(), "one\ntwo\n");
  REQUIRE(line.pump.step() == Pump::State::held);
  put(line.source.write.get(), "three\n");
  line.pump.stop_input();
  CHECK(line.pump.is_holding());
  run_to_end(line);
  CHECK(line.arrived() == "one\ntwo\n");
  CHECK(read_available(line.source.read.get()) == "three\n");
}

TEST_CASE("line delay: a line end that the sink has not taken delays nothing") {
  Filtered line(delayed(long_time));
  const auto before = fill(line.sink.write.get());
  put(line.source.write.get(), "one\ntwo\n");
  CHECK(line.pump.step() == Pump::State::wants_output);
  CHECK(line.arrived().size() == before);
  CHECK(line.pump.step() == Pump::State::held);
  CHECK(line.arrived() == "one\n");
}

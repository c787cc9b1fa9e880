#include "flow/pump.hpp"

#include <doctest/doctest.h>
#include <poll.h>

#include <cerrno>
#include <csignal>
#include <optional>
#include <string>

#include "../support/descriptors.hpp"
#include "../support/far_ends.hpp"
#include "../support/files.hpp"
#include "../support/pump_between.hpp"
#include "../support/thrown.hpp"
#include "base/error.hpp"
#include "flow/run_pump.hpp"
#include "flow/task_group.hpp"
#include "os/file_advice.hpp"

using namespace sockx;
using namespace test;

namespace {

enum class Place { file, pipe, tcp, unix_stream, append_file, null_device };

constexpr Place sources[]{Place::file, Place::pipe, Place::tcp, Place::unix_stream};
constexpr Place sinks[]{Place::pipe, Place::tcp,         Place::unix_stream,
                        Place::file, Place::append_file, Place::null_device};
constexpr TransferMethod methods[]{
    TransferMethod::automatic, TransferMethod::read_write, TransferMethod::sendfile, TransferMethod::splice,
    TransferMethod::mmap,      TransferMethod::zero_copy,  TransferMethod::io_uring};

const char* name_of(Place place) {
  switch (place) {
    case Place::file:
      return "file";
    case Place::pipe:
      return "pipe";
    case Place::tcp:
      return "tcp";
    case Place::unix_stream:
      return "unix";
    case Place::append_file:
      return "append file";
    case Place::null_device:
      return "null device";
  }
  return "";
}

bool is_file(Place place) { return place == Place::file || place == Place::append_file; }
bool is_socket(Place place) { return place == Place::tcp || place == Place::unix_stream; }
bool has_far_end(Place place) { return place == Place::pipe || is_socket(place); }

/// The pump's end, and the far end where there is one.
struct Line {
  UniqueFd near, far;
};

Line make_socket_line(Place place) {
  auto ends = place == Place::tcp ? tcp_pair() : unix_pair();
  return {std::move(ends.ours), std::move(ends.theirs)};
}

Line make_source(Place place, const Folder& folder, const std::string& content) {
  if (is_socket(place)) return make_socket_line(place);
  if (place == Place::pipe) {
    auto pipe = make_pipe_ends();
    return {std::move(pipe.read), std::move(pipe.write)};
  }
  return {UniqueFd(open(write_file(folder / "source", content).c_str(), O_RDONLY | O_CLOEXEC)), {}};
}

Line make_sink(Place place, const Folder& folder) {
  if (is_socket(place)) return make_socket_line(place);
  if (place == Place::null_device) return {open_null(), {}};
  if (place == Place::pipe) {
    auto pipe = make_pipe_ends();
    return {std::move(pipe.write), std::move(pipe.read)};
  }
  const int append = place == Place::append_file ? O_APPEND : 0;
  const auto path = write_file(folder / "sink", place == Place::append_file ? "before:" : "");
  return {UniqueFd(open(path.c_str(), O_WRONLY | O_CLOEXEC | append)), {}};
}

/// Writes `content` into the far end of a source and closes it.
Task<> feed(UniqueFd far, const std::string& content) {
  if (!far) co_return;
  FarEnd stream(co_await this_loop(), std::move(far));
  co_await write_all(stream, content);
}

/// A slow reader: some kilobytes a turn of the loop.
Task<> collect(UniqueFd far, std::string& bytes) {
  if (!far) co_return;
  FarEnd stream(co_await this_loop(), std::move(far));
  co_await read_to_end(stream, bytes, 12345);
}

Task<> pump_and_close(Pump& pump) {
  co_await run_pump(pump);
  pump.from().close();
  pump.to().close();
}

Task<> carry(Pump& pump, UniqueFd source, UniqueFd sink, const std::string& content, std::string& received) {
  auto outside = all(feed(std::move(source), content), collect(std::move(sink), received));
  co_await all(pump_and_close(pump), std::move(outside));
}

/// Whether this build and this kernel have rings for us.
bool has_rings() {
  std::string refusal;
  const Descriptor none;
  return make_io_uring({none, none}, refusal) != nullptr;
}

/// The method that should have moved the last byte, "" where that depends on how the bytes come in.
std::string expected_method(TransferMethod asked, Place from, Place to, std::size_t size) {
  const bool pipes = from == Place::pipe || to == Place::pipe;
  const bool appends = to == Place::append_file;
  switch (asked) {
    case TransferMethod::read_write:
      return "read-write";
    case TransferMethod::sendfile:
      return is_file(from) && !appends ? "sendfile" : "read-write";
    case TransferMethod::mmap:
      return is_file(from) && size > 0 ? "mmap" : "read-write";  // an empty file cannot be mapped
    case TransferMethod::zero_copy:
      return is_file(from) && to == Place::tcp && size > 0 ? "zerocopy" : "read-write";
    case TransferMethod::io_uring:
      return is_file(from) && is_socket(to) && has_rings() ? "io-uring" : "read-write";
    case TransferMethod::splice:
      return appends ? "read-write" : "splice";
    case TransferMethod::automatic:
      break;
  }
  if (from == Place::tcp && to == Place::null_device) return "discard";
  if (is_file(from) && !appends) return to == Place::tcp && size > 1024 * 1024 ? "splice" : "sendfile";
  if (appends) return "read-write";
  if (pipes || to == Place::null_device) return "splice";
  return size > 64 * 1024 ? "" : "read-write";
}

void check_all_methods_and_sinks(Place from) {
  CAPTURE(name_of(from));
  for (const std::size_t size : {0, 1, 64 * 1024, 3'000'000}) {
    CAPTURE(size);
    const auto content = noise(size);
    for (const auto to : sinks) {
      CAPTURE(name_of(to));
      for (const auto method : methods) {
        CAPTURE(sockx::name_of(method));
        const Folder folder;
        auto source = make_source(from, folder, content);
        auto sink = make_sink(to, folder);
        // The large one begins with a full sink.
        const auto filled = size > 1'000'000 && has_far_end(to) ? fill(sink.near.get()) : 0;
        EventLoop loop;
        Stream source_end(loop, std::move(source.near), "source", Origin::local_file);
        Stream sink_end(loop, std::move(sink.near), "sink", Origin::local_file);
        Pump pump(source_end, sink_end, {.method = method});
        std::string received;
        loop.run(carry(pump, std::move(source.far), std::move(sink.far), content, received));

        if (is_file(to)) received = read_file(folder / "sink");
        const auto before = to == Place::append_file ? std::string("before:") : std::string(filled, '#');
        if (to != Place::null_device) CHECK(difference(received, before + content) == "");
        CHECK(pump.bytes() == size);
        CHECK(pump.calls() > 0);
        const auto expected = expected_method(method, from, to, size);
        if (!expected.empty()) CHECK(pump.method() == expected);
        const bool asked = method != TransferMethod::automatic;
        CHECK(pump.why_fell_back().empty() != (asked && expected != sockx::name_of(method)));
      }
    }
  }
}

/// Steps until the pump is done; for ends that are always ready.
void run_to_end(Pump& pump) {
  for (auto state = Pump::State::yielded; state != Pump::State::finished; state = pump.step()) {
    if (state != Pump::State::under_way) {
      REQUIRE(state == Pump::State::yielded);
      continue;
    }
    pollfd completion{pump.completion_fd(), POLLIN, 0};
    REQUIRE(poll(&completion, 1, 10'000) == 1);
  }
}

UniqueFd open_for_reading(const std::string& path) {
  return UniqueFd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
}

}  // namespace

TEST_CASE("pump: every method brings a file to every sink") { check_all_methods_and_sinks(Place::file); }
TEST_CASE("pump: every method brings a pipe to every sink") { check_all_methods_and_sinks(Place::pipe); }
TEST_CASE("pump: every method brings a TCP stream to every sink") { check_all_methods_and_sinks(Place::tcp); }
TEST_CASE("pump: every method brings a unix stream to every sink") {
  check_all_methods_and_sinks(Place::unix_stream);
}

TEST_CASE("pump: the methods have the names of the command line") {
  CHECK(sockx::name_of(TransferMethod::automatic) == "auto");
  CHECK(sockx::name_of(TransferMethod::read_write) == "read-write");
  CHECK(sockx::name_of(TransferMethod::sendfile) == "sendfile");
  CHECK(sockx::name_of(TransferMethod::splice) == "splice");
  CHECK(sockx::name_of(TransferMethod::mmap) == "mmap");
  CHECK(sockx::name_of(TransferMethod::zero_copy) == "zerocopy");
  CHECK(sockx::name_of(TransferMethod::io_uring) == "io-uring");
}

TEST_CASE("pump: two full buffers in a row turn copying between sockets into splice") {
  auto source = unix_pair(), sink = unix_pair();
  const auto content = noise(fill(source.theirs.get()));
  read_available(source.ours.get());
  put(source.theirs.get(), content);
  REQUIRE(content.size() > 2 * 64 * 1024);
  PumpBetween pump(described(source.ours, "source"), described(sink.ours, "sink"));
  CHECK(pump.method() == "read-write");
  std::string received;
  while (received.size() < content.size()) {
    pump.step(64 * 1024);
    received += read_available(sink.theirs.get());
  }
  CHECK(difference(received, content) == "");
  CHECK(pump.method() == "splice");
  CHECK(pump.why_fell_back().empty());
}

TEST_CASE("pump: a file begins with sendfile, and gives way to splice when it turns out long, over TCP") {
  constexpr std::size_t mib = 1024 * 1024;
  const Folder folder;
  const auto content = noise(3 * mib);
  struct Row {
    bool is_tcp;
    TransferMethod method;
    std::string expected;
  };
  for (const auto& [is_tcp, method, expected] :
       {Row{true, TransferMethod::automatic, "splice (the stream is long)"},
        Row{true, TransferMethod::sendfile, "sendfile (as asked for)"},
        Row{false, TransferMethod::automatic, "sendfile (the source is a file)"}}) {
    const UniqueFd file(open(write_file(folder / "file", content).c_str(), O_RDONLY | O_CLOEXEC));
    const auto sink = is_tcp ? tcp_pair() : unix_pair();
    PumpBetween pump(described(file, "source"), described(sink.ours, "sink"), {.method = method});
    CHECK(pump.method() == "sendfile");
    std::string received;
    while (received.size() < content.size()) {
      pump.step(64 * 1024);
      received += read_available(sink.theirs.get());
      if (pump.bytes() < mib) CHECK(pump.method() == "sendfile");
    }
    CHECK(difference(received, content) == "");
    CHECK(pump.method_and_reason() == expected);
    CHECK(pump.why_fell_back().empty());
  }
}

/// A file whose bytes are not in the page cache; its file system must be one that says so.
std::optional<UniqueFd> cold_file(const std::string& path) {
  UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fsync(file.get()) != 0 || posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED) != 0) return {};
  if (is_in_page_cache(file.get(), 0)) return {};
  return file;
}

TEST_CASE("pump: a file that is not in memory is wanted piece by piece, and sent whole by every method") {
  const Folder folder;
  const auto content = noise(700'000);
  const auto path = write_file(folder / "file", content);
  for (const auto method : methods) {
    const auto file = cold_file(path);
    if (!file) {
      MESSAGE("skipped: the file system does not tell what is in memory");
      return;
    }
    CAPTURE(sockx::name_of(method));
    REQUIRE(lseek(file->get(), 1000, SEEK_SET) == 1000);
    auto sink = unix_pair();
    PumpBetween pump(described(*file, "source"), described(sink.ours, "sink"), {.method = method});
    const bool is_cold = !is_in_page_cache(file->get(), 1000);  // somebody may have read it meanwhile
    const bool reads_beside_us = pump.method() == "io-uring";
    std::string received;
    std::uint64_t next_piece = 1000;
    for (auto state = pump.step(); state != Pump::State::finished; state = pump.step()) {
      if (state == Pump::State::wants_file) {
        const auto piece = pump.wanted_piece();
        CHECK(piece.offset >= static_cast<off_t>(next_piece));  // a driver may ignore it
        CHECK(piece.bytes >= 1);
        CHECK(piece.bytes <= 1024 * 1024);
        next_piece = static_cast<std::uint64_t>(piece.offset) + 1;
      }
      received += read_available(sink.theirs.get());
    }
    received += read_available(sink.theirs.get());
    CHECK(difference(received, content.substr(1000)) == "");
    if (is_cold) CHECK((next_piece > 1000) == !reads_beside_us);
  }
}

TEST_CASE("pump: small messages between sockets stay with copying") {
  auto source = unix_pair(), sink = unix_pair();
  PumpBetween pump(described(source.ours, "source"), described(sink.ours, "sink"));
  for (int i = 0; i < 1000; ++i) {
    put(source.theirs.get(), "0123456789");
    CHECK(pump.step() == Pump::State::wants_input);
    REQUIRE(read_available(sink.theirs.get()) == "0123456789");
  }
  CHECK(pump.method() == "read-write");
}

TEST_CASE("pump: splice gives way where an urgent byte was sent, and the bytes behind it arrive") {
  for (const auto to : {Place::pipe, Place::file}) {
    CAPTURE(name_of(to));
    const Folder folder;
    auto source = make_source(Place::tcp, folder, "");
    auto sink = make_sink(to, folder);
    const auto received = [&] {
      return to == Place::file ? read_file(folder / "sink") : read_available(sink.far.get());
    };
    PumpBetween pump(described(source.near, "source"), described(sink.near, "sink"),
                     {TransferMethod::splice});
    put(source.far.get(), "before");
    CHECK(pump.step() == Pump::State::wants_input);
    CHECK(pump.method() == "splice");
    auto all = received();
    REQUIRE(send(source.far.get(), "!", 1, MSG_OOB) == 1);
    put(source.far.get(), "behind");
    source.far.reset();
    while (pump.step() != Pump::State::finished) continue;
    all = to == Place::file ? received() : all + received();
    CHECK(all == "beforebehind");
    CHECK(pump.method() == "read-write");
    CHECK(pump.why_fell_back() == "splice does not get past urgent data");
  }
}

TEST_CASE("pump: it says which end it waits for") {
  for (const auto method : {TransferMethod::read_write, TransferMethod::splice}) {
    for (const auto sockets : {false, true}) {
      CAPTURE(sockx::name_of(method));
      CAPTURE(sockets);
      const Folder folder;
      auto source = make_source(sockets ? Place::tcp : Place::pipe, folder, "");
      auto sink = make_sink(sockets ? Place::unix_stream : Place::pipe, folder);
      PumpBetween pump(described(source.near, "source"), described(sink.near, "sink"), {.method = method});
      CHECK(pump.step() == Pump::State::wants_input);
      fill(sink.near.get());
      CHECK(pump.step() == Pump::State::wants_input);  // both block: input is what is missing
      put(source.far.get(), "abc");
      CHECK(pump.step() == Pump::State::wants_output);
      CHECK(pump.bytes() == 0);
      read_available(sink.far.get());
      CHECK(pump.step() == Pump::State::wants_input);
      CHECK(pump.bytes() == 3);
      CHECK(read_available(sink.far.get()) == "abc");
      source.far.reset();
      CHECK(pump.step() == Pump::State::finished);
      CHECK(pump.step() == Pump::State::finished);
    }
  }
}

TEST_CASE("pump: the limit is exact and what lies behind it stays in the source") {
  for (const auto method : methods) {
    for (const auto from : {Place::file, Place::pipe}) {
      CAPTURE(sockx::name_of(method));
      CAPTURE(name_of(from));
      const Folder folder;
      auto source = make_source(from, folder, "0123456789");
      if (source.far) put(source.far.get(), "0123456789");
      auto sink = make_sink(Place::pipe, folder);
      {
        PumpBetween pump(described(source.near, "source"), described(sink.near, "sink"),
                         {.method = method, .limit = 6});
        CHECK(pump.step() == Pump::State::finished);
        CHECK(pump.bytes() == 6);
      }
      CHECK(read_available(sink.far.get()) == "012345");
      CHECK(read_available(source.near.get()) == "6789");  // the offset is where read(2) would have left it
    }
  }
}

TEST_CASE("pump: a step takes no more than it is allowed to") {
  for (const auto method : methods) {
    CAPTURE(sockx::name_of(method));
    const Folder folder;
    auto source = make_source(Place::file, folder, noise(100'000));
    auto sink = make_sink(Place::file, folder);
    PumpBetween pump(described(source.near, "source"), described(sink.near, "sink"), {.method = method});
    CHECK(pump.step(10) == Pump::State::yielded);
    CHECK(pump.bytes() == 10);
    CHECK(pump.step(1) == Pump::State::yielded);
    CHECK(pump.bytes() == 11);
    CHECK(pump.step(0) == Pump::State::yielded);
    CHECK(pump.bytes() == 11);
  }
}

TEST_CASE("pump: a chunk bounds every call and so counts them") {
  for (const auto method :
       {TransferMethod::read_write, TransferMethod::sendfile, TransferMethod::splice, TransferMethod::mmap}) {
    CAPTURE(sockx::name_of(method));
    const Folder folder;
    const auto content = noise(64 * 1024);
    const auto source = make_source(Place::file, folder, content);
    const auto sink = make_sink(Place::file, folder);
    PumpBetween pump(described(source.near, "source"), described(sink.near, "sink"),
                     {.method = method, .chunk = 1024});
    run_to_end(pump);
    CHECK(pump.calls() >= 64);
    CHECK(pump.calls() < 64 * 3);
    CHECK(difference(read_file(folder / "sink"), content) == "");
  }
}

TEST_CASE("pump: a long stream yields so that others have their turn") {
  for (const auto method : methods) {
    CAPTURE(sockx::name_of(method));
    const Folder folder;
    const auto source = make_source(Place::file, folder, "");
    REQUIRE(truncate((folder / "source").c_str(), 64 * 1024 * 1024) == 0);
    const auto sink = make_sink(Place::null_device, folder);
    PumpBetween pump(described(source.near, "source"), described(sink.near, "sink"),
                     {.method = method, .chunk = 128 * 1024});
    CHECK(pump.step() == Pump::State::yielded);
    CHECK(pump.bytes() > 0);
    CHECK(pump.bytes() <= 5 * 1024 * 1024);
  }
}

TEST_CASE("pump: after stop_input what was taken is delivered and nothing more is taken") {
  for (const auto method : {TransferMethod::read_write, TransferMethod::splice}) {
    CAPTURE(sockx::name_of(method));
    auto source = unix_pair(), sink = unix_pair();
    PumpBetween pump(described(source.ours, "source"), described(sink.ours, "sink"), {.method = method});
    fill(sink.ours.get());
    put(source.theirs.get(), "taken");
    REQUIRE(pump.step() == Pump::State::wants_output);
    put(source.theirs.get(), "left");
    pump.stop_input();
    CHECK(pump.step() == Pump::State::wants_output);
    read_available(sink.theirs.get());
    CHECK(pump.step() == Pump::State::finished);
    CHECK(read_available(sink.theirs.get()) == "taken");
    CHECK(read_available(source.ours.get()) == "left");
    CHECK(pump.bytes() == 5);
  }
}

TEST_CASE("pump: stop_input with nothing in hand ends it") {
  auto source = make_pipe_ends(), sink = make_pipe_ends();
  put(source.write.get(), "left");
  PumpBetween pump(described(source.read, "source"), described(sink.write, "sink"));
  pump.stop_input();
  CHECK(pump.step() == Pump::State::finished);
  CHECK(read_available(source.read.get()) == "left");
}

TEST_CASE("pump: files of /proc whose size is 0 are read whole by every method") {
  const auto content = read_file("/proc/self/limits");
  REQUIRE_FALSE(content.empty());
  for (const auto method : methods) {
    CAPTURE(sockx::name_of(method));
    const auto source = open_for_reading("/proc/self/limits");
    const auto sink = make_pipe_ends();
    PumpBetween pump(described(source, "source"), described(sink.write, "sink"), {.method = method});
    run_to_end(pump);
    CHECK(read_available(sink.read.get()) == content);
    if (method == TransferMethod::mmap) CHECK_FALSE(pump.why_fell_back().empty());
  }
}

TEST_CASE("pump: a file is sent from its offset and leaves the offset behind what was sent") {
  for (const auto method : methods) {
    CAPTURE(sockx::name_of(method));
    const Folder folder;
    const auto content = noise(300'000);
    const auto source = make_source(Place::file, folder, content);
    const UniqueFd shell(dup(source.near.get()));  // shares the offset, as a shell does
    REQUIRE(lseek(shell.get(), 5'000, SEEK_SET) == 5'000);
    const auto sink = make_sink(Place::file, folder);
    {
      PumpBetween pump(described(source.near, "source"), described(sink.near, "sink"),
                       {.method = method, .limit = 200'000});
      run_to_end(pump);
    }
    CHECK(lseek(shell.get(), 0, SEEK_CUR) == 205'000);
    CHECK(difference(read_file(folder / "sink"), content.substr(5'000, 200'000)) == "");
  }
}

TEST_CASE("pump: a file that shrinks on its way ends early whichever way it is read") {
  constexpr std::size_t kept = 2 * 1024 * 1024;
  const auto content = noise(6 * 1024 * 1024);
  for (const auto method : methods) {
    CAPTURE(sockx::name_of(method));
    const Folder folder;
    const auto source = make_source(Place::file, folder, content);
    const auto sink = make_sink(Place::file, folder);
    PumpBetween pump(described(source.near, "source"), described(sink.near, "sink"),
                     {.method = method, .chunk = 64 * 1024});
    pump.step(64 * 1024);
    REQUIRE(truncate((folder / "source").c_str(), kept) == 0);
    run_to_end(pump);
    CHECK(pump.bytes() == kept);
    CHECK(difference(read_file(folder / "sink"), content.substr(0, kept)) == "");
  }
}

TEST_CASE("pump: a sink inherited in blocking mode is never waited in") {
  const auto content = noise(1'000'000);
  for (const auto method : methods) {
    for (const auto from : {Place::file, Place::unix_stream}) {
      for (const auto to : {Place::pipe, Place::tcp, Place::unix_stream}) {
        CAPTURE(sockx::name_of(method));
        CAPTURE(name_of(from));
        CAPTURE(name_of(to));
        const Folder folder;
        const auto source = make_source(from, folder, content);
        auto sink = make_sink(to, folder);
        REQUIRE(fcntl(sink.near.get(), F_SETFL, 0) == 0);
        const auto size = from == Place::file ? content.size() : 100'000;
        if (source.far) put(source.far.get(), content.substr(0, size));
        PumpBetween pump(described(source.near, "source"), described(sink.near, "sink"),
                         {.method = method, .limit = size});
        std::string received;
        while (pump.step() != Pump::State::finished) received += read_available(sink.far.get());
        received += read_available(sink.far.get());
        CHECK(difference(received, content.substr(0, size)) == "");
      }
    }
  }
}

TEST_CASE("pump: a fault names the guilty end and bears its origin") {
  constexpr auto at_peer = Origin::peer;
  constexpr auto at_file = Origin::local_file;
  struct Row {
    std::string what;
    Line source, sink;
    Origin source_origin, sink_origin;
    int number;
    const char* guilty;
    Origin origin;
  };
  const Folder folder;
  const auto broken_pipe = [] {
    auto pipe = make_pipe_ends();
    pipe.read.reset();
    return Line{std::move(pipe.write), {}};
  };
  const auto reset_socket = [] {
    auto sockets = tcp_pair();
    reset_connection(sockets.theirs);
    return Line{std::move(sockets.ours), {}};
  };
  const auto pipe_with_input = [] {
    auto pipe = make_pipe_ends();
    put(pipe.write.get(), "input");
    return Line{std::move(pipe.read), std::move(pipe.write)};
  };
  const auto file = [&folder] { return make_source(Place::file, folder, "input"); };
  const auto full_disk = [] { return Line{UniqueFd(open("/dev/full", O_WRONLY | O_CLOEXEC)), {}}; };
  const auto new_file = [&folder] { return make_sink(Place::file, folder); };
  const auto pipe_sink = [] {
    auto pipe = make_pipe_ends();
    return Line{std::move(pipe.write), std::move(pipe.read)};
  };

  Row rows[]{
      {"a pipe without a reader", file(), broken_pipe(), at_file, at_file, EPIPE, "sink", at_file},
      {"a pipe into a pipe without a reader", pipe_with_input(), broken_pipe(), at_file,
       Origin::standard_output, EPIPE, "sink", Origin::standard_output},
      {"a file to a peer that has reset", file(), reset_socket(), at_file, at_peer, ECONNRESET, "sink",
       at_peer},
      {"a pipe to a peer that has reset", pipe_with_input(), reset_socket(), at_file, at_peer, ECONNRESET,
       "sink", at_peer},
      {"a reset peer into a file", reset_socket(), new_file(), at_peer, at_file, ECONNRESET, "source",
       at_peer},
      {"a reset peer into a pipe", reset_socket(), pipe_sink(), at_peer, at_file, ECONNRESET, "source",
       at_peer},
      {"a file to a full disk", file(), full_disk(), at_file, at_file, ENOSPC, "sink", at_file},
      {"a pipe to a full disk", pipe_with_input(), full_disk(), at_file, at_file, ENOSPC, "sink", at_file},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    PumpBetween pump(describe(row.source.near.get(), "source", row.source_origin),
                     describe(row.sink.near.get(), "sink", row.sink_origin));
    signal(SIGPIPE, SIG_IGN);
    const auto error = thrown_by<Error>([&] { pump.step(); });
    REQUIRE(error);
    CHECK(error->number() == row.number);
    CHECK(error->origin() == row.origin);
    CHECK(std::string(error->what()).find(row.guilty) != std::string::npos);
    CHECK(pump.bytes() == 0);
  }
}

TEST_CASE("pump: every method to a socket says that the peer has reset") {
  signal(SIGPIPE, SIG_IGN);
  for (const auto method : methods) {
    CAPTURE(sockx::name_of(method));
    const Folder folder;
    const auto source = make_source(Place::file, folder, "input");
    auto sockets = tcp_pair();
    reset_connection(sockets.theirs);
    PumpBetween pump(described(source.near, "source"), describe(sockets.ours.get(), "peer", Origin::peer),
                     {.method = method});
    const auto error = thrown_by<Error>([&] { run_to_end(pump); });
    REQUIRE(error);
    CHECK(error->number() == ECONNRESET);
    CHECK(error->origin() == Origin::peer);
  }
}

TEST_CASE("pump: a sink that hangs up is a socket's own error, or gone before anything was lost") {
  auto pipe = make_pipe_ends();
  const auto source = make_pipe_ends();
  pipe.read.reset();
  PumpBetween to_pipe(described(source.read, "source"),
                      describe(pipe.write.get(), "stdout", Origin::standard_output));
  const auto broken = thrown_by<Error>([&] { to_pipe.sink_hung_up(); });
  REQUIRE(broken);
  CHECK(broken->number() == EPIPE);
  CHECK(broken->origin() == Origin::standard_output);

  auto sockets = tcp_pair();
  PumpBetween to_reset_peer(described(source.read, "source"),
                            describe(sockets.ours.get(), "peer", Origin::peer));
  reset_connection(sockets.theirs);
  const auto reset = thrown_by<Error>([&] { to_reset_peer.sink_hung_up(); });
  REQUIRE(reset);
  CHECK(reset->number() == ECONNRESET);
  CHECK(reset->origin() == Origin::peer);

  auto quiet = unix_pair();
  PumpBetween to_closed_peer(described(source.read, "source"),
                             describe(quiet.ours.get(), "peer", Origin::peer));
  quiet.theirs.reset();
  CHECK_THROWS_AS(to_closed_peer.sink_hung_up(), SinkGone);
}

// Sending and receiving a file, each against the other and against peers that misbehave.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cerrno>
#include <csignal>
#include <string>
#include <vector>

#include "../support/connections.hpp"
#include "../support/descriptors.hpp"
#include "../support/far_ends.hpp"
#include "../support/files.hpp"
#include "../support/thrown.hpp"
#include "base/error.hpp"
#include "flow/task_group.hpp"
#include "os/calls.hpp"
#include "transfer/file_receiver.hpp"
#include "transfer/file_sender.hpp"

using namespace sockx;
using namespace test;
using namespace std::chrono_literals;

namespace {

constexpr auto short_time = 150ms;  // a peer may take 40 ms to acknowledge

/// Receives into a new file from a socket that is set to reset on close, as its maker has to.
Task<> receive_into(std::string path, UniqueFd socket, ReceiveOptions options, TransferStats& stats,
                    std::function<void()> complete) {
  UniqueFd sink(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  auto described = describe(sink.get(), path, Origin::local_file);
  set_reset_on_close(socket.get(), true);
  auto sender = connection(co_await this_loop(), std::move(socket));
  co_await receive_file(std::move(sender), std::move(sink), std::move(described), options, stats,
                        std::move(complete));
}

/// A peer that reads everything, closes, and keeps what it has read.
Task<> read_and_close(UniqueFd socket, std::string& bytes) {
  FarEnd stream(co_await this_loop(), std::move(socket));
  co_await read_to_end(stream, bytes);
}

/// A peer that says `bytes` and then ends its direction.
Task<> say_and_end(FarEnd& peer, std::string bytes) {
  co_await write_all(peer, bytes);
  shutdown(peer.fd.get(), SHUT_WR);
}

}  // namespace

TEST_CASE("file source: what will be sent follows from size and offset and count") {
  const Folder folder;
  const auto path = write_file(folder / "file", "0123456789");
  struct Row {
    std::uint64_t offset;
    std::optional<std::uint64_t> count;
    std::uint64_t length;
  };
  for (const auto& [offset, count, length] :
       {Row{0, {}, 10}, Row{3, {}, 7}, Row{3, 4, 4}, Row{3, 100, 7}, Row{10, {}, 0}, Row{0, 0, 0}}) {
    const auto source = FileSource::open(path, offset, count);
    CHECK(source.length == length);
    CHECK(lseek(source.fd.get(), 0, SEEK_CUR) == static_cast<off_t>(offset));
  }
  CHECK_FALSE(FileSource::open("/proc/self/limits", 0, {}).length);
  CHECK_FALSE(FileSource::open("/dev/null", 0, {}).length);
}

TEST_CASE("file source: what cannot be opened or sought says why") {
  const Folder folder;
  const auto path = write_file(folder / "file", "0123456789");
  REQUIRE(mkfifo((folder / "fifo").c_str(), 0600) == 0);
  const UniqueFd keeps_it_open(open((folder / "fifo").c_str(), O_RDWR | O_CLOEXEC));
  CHECK_THROWS_WITH_AS(FileSource::open(path, 11, {}), doctest::Contains("has only 10 bytes"), BadInput);
  CHECK_THROWS_WITH_AS(FileSource::open(folder / "fifo", 1, {}), doctest::Contains("cannot seek"), BadInput);
  const auto none = thrown_by<Error>([&] { FileSource::open(folder / "none", 0, {}); });
  REQUIRE(none);
  CHECK(none->number() == ENOENT);
  CHECK(none->origin() == Origin::local_file);
  const auto directory = thrown_by<Error>([&] { FileSource::open(folder.path(), 0, {}); });
  REQUIRE(directory);
  CHECK(directory->number() == EISDIR);
}

TEST_CASE("file transfer: what is sent is what is received by every method and over every socket") {
  const auto content = noise(3'000'000);
  const auto before = open_descriptors();
  for (const auto method : {TransferMethod::automatic, TransferMethod::read_write, TransferMethod::sendfile,
                            TransferMethod::splice, TransferMethod::mmap, TransferMethod::zero_copy}) {
    for (const bool unix_stream : {false, true}) {
      CAPTURE(name_of(method));
      CAPTURE(unix_stream);
      const Folder folder;
      auto source = FileSource::open(write_file(folder / "source", content), 0, {});
      auto sockets = unix_stream ? unix_pair() : tcp_pair();
      TransferStats sent, received;
      bool complete = false;
      SendOptions options;
      options.method = method;
      EventLoop loop;
      loop.run(all(send_file(source, connection(loop, std::move(sockets.ours)), options, sent),
                   receive_into(folder / "sink", std::move(sockets.theirs), {}, received,
                                [&complete] { complete = true; })));
      CHECK(complete);
      CHECK(difference(read_file(folder / "sink"), content) == "");
      CHECK(sent.bytes == content.size());
      CHECK(received.bytes == content.size());
      CHECK(sent.system_calls > 0);
      const bool is_refused = method == TransferMethod::zero_copy && unix_stream;
      CHECK(sent.method == (method == TransferMethod::automatic ? "sendfile"
                            : is_refused                        ? "read-write"
                                                                : name_of(method)));
      CHECK(sent.why_fell_back.empty() == !is_refused);
      CHECK(sent.copied.has_value() == (sent.method == "zerocopy"));
    }
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("send_file: a part of a file and a limited part of a pipe") {
  const Folder folder;
  EventLoop loop;
  TransferStats stats;
  std::string received;
  auto part = FileSource::open(write_file(folder / "file", "0123456789"), 2, 5);
  auto sockets = tcp_pair();
  loop.run(all(send_file(part, connection(loop, std::move(sockets.ours)), {}, stats),
               read_and_close(std::move(sockets.theirs), received)));
  CHECK(received == "23456");

  auto pipe = make_pipe_ends();
  put(pipe.write.get(), "0123456789");
  FileSource source;
  source.described = describe(pipe.read.get(), "stdin", Origin::local_file);
  source.fd = std::move(pipe.read);
  SendOptions options;
  options.count = 4;
  received.clear();
  auto more_sockets = tcp_pair();
  loop.run(all(send_file(source, connection(loop, std::move(more_sockets.ours)), options, stats),
               read_and_close(std::move(more_sockets.theirs), received)));
  CHECK(received == "0123");
}

TEST_CASE("send_file: a source that has become shorter is incomplete and the peer sees a reset") {
  const Folder folder;
  EventLoop loop;
  auto source = FileSource::open(write_file(folder / "file", "0123456789"), 0, {});
  REQUIRE(truncate((folder / "file").c_str(), 4) == 0);
  auto sockets = tcp_pair();
  TransferStats stats;
  CHECK_THROWS_WITH_AS(loop.run(send_file(source, connection(loop, std::move(sockets.ours)), {}, stats)),
                       doctest::Contains("4 of 10 bytes were sent"), Incomplete);
  CHECK(stats.bytes == 4);
  CHECK(read_available(sockets.theirs.get()) == "0123");
  CHECK(errno == ECONNRESET);
}

TEST_CASE("send_file: dropped in the middle it does not look like the end of a file") {
  const Folder folder;
  auto source = FileSource::open(write_file(folder / "file", noise(20'000'000)), 0, {});
  auto sockets = tcp_pair();
  TransferStats stats;
  EventLoop loop;
  CHECK_THROWS_AS(
      loop.run(with_deadline(send_file(source, connection(loop, std::move(sockets.ours)), {}, stats),
                             after(10ms), "stopped")),
      TimedOut);
  CHECK(stats.bytes < 20'000'000);
  read_available(sockets.theirs.get());
  CHECK(errno == ECONNRESET);
}

TEST_CASE("send_file: it waits for the peer to close and eof-timeout bounds that") {
  const Folder folder;
  EventLoop loop;
  auto source = FileSource::open(write_file(folder / "file", "0123456789"), 0, {});
  auto sockets = tcp_pair();
  TransferStats stats;
  SendOptions options;
  options.eof_timeout = short_time;
  CHECK_THROWS_WITH_AS(loop.run(send_file(source, connection(loop, std::move(sockets.ours)), options, stats)),
                       "peer has not closed in time", TimedOut);
  CHECK(stats.bytes == 10);
  CHECK(read_available(sockets.theirs.get()) == "0123456789");
}

TEST_CASE("send_file: a peer that resets is an error although everything was sent") {
  const Folder folder;
  EventLoop loop;
  auto source = FileSource::open(write_file(folder / "file", "0123456789"), 0, {});
  auto sockets = tcp_pair();
  TransferStats stats;
  const auto reset = [](UniqueFd peer) -> Task<> {
    auto& its_loop = co_await this_loop();
    co_await its_loop.next_turn();
    reset_connection(peer);
  };
  const auto error = thrown_by<Error>([&] {
    loop.run(all(send_file(source, connection(loop, std::move(sockets.ours)), {}, stats),
                 reset(std::move(sockets.theirs))));
  });
  REQUIRE(error);
  CHECK(error->number() == ECONNRESET);
  CHECK(error->origin() == Origin::peer);
}

TEST_CASE("send_file: a peer that does not read is bounded by the idle time-out") {
  const Folder folder;
  EventLoop loop;
  auto source = FileSource::open(write_file(folder / "file", noise(20'000'000)), 0, {});
  auto sockets = tcp_pair();
  TransferStats stats;
  SendOptions options;
  options.idle_timeout = short_time;
  CHECK_THROWS_AS(loop.run(send_file(source, connection(loop, std::move(sockets.ours)), options, stats)),
                  TimedOut);
  CHECK(stats.bytes > 0);
  CHECK(stats.bytes < 20'000'000);
}

TEST_CASE("receive_file: sizes that are expected or allowed") {
  struct Row {
    std::string what;
    std::size_t sent;
    std::optional<std::uint64_t> expected, most;
    bool done;
    std::string message;
  };
  const Folder folder;
  for (const auto& row : {
           Row{"nothing is expected in particular", 10, {}, {}, true, ""},
           Row{"nothing comes", 0, {}, {}, true, ""},
           Row{"exactly what was expected", 10, 10, {}, true, ""},
           Row{"nothing as expected", 0, 0, {}, true, ""},
           Row{"less than expected", 9, 10, {}, false, "9 of 10 bytes arrived from peer"},
           Row{"more than expected",
               11,
               10,
               {},
               false,
               "peer sends more than the 10 bytes that were expected"},
           Row{"something where nothing was expected", 1, 0, {}, false, "more than the 0 bytes"},
           Row{"as much as is allowed", 10, {}, 10, true, ""},
           Row{"more than is allowed",
               11,
               {},
               10,
               false,
               "peer sends more than the 10 bytes that are allowed"},
       }) {
    CAPTURE(row.what);
    EventLoop loop;
    auto sockets = tcp_pair();
    FarEnd peer(loop, std::move(sockets.theirs));
    TransferStats stats;
    bool complete = false;
    ReceiveOptions options;
    options.expected = row.expected;
    options.most = row.most;
    auto transfer = all(say_and_end(peer, noise(row.sent)),
                        receive_into(folder / "sink", std::move(sockets.ours), options, stats,
                                     [&complete] { complete = true; }));
    const auto error = thrown_by<Incomplete>([&] { loop.run(std::move(transfer)); });
    CHECK(error.has_value() != row.done);
    CHECK(complete == row.done);
    if (error) CHECK(std::string(error->what()).find(row.message) != std::string::npos);
    if (row.done) CHECK(read_file(folder / "sink") == noise(row.sent));
    char byte = 0;  // the sender is told: by our end, or by a reset
    CHECK(read(peer.fd.get(), &byte, 1) == (row.done ? 0 : -1));
  }
}

TEST_CASE("receive_file: the connection is open until the file is complete") {
  const Folder folder;
  EventLoop loop;
  auto sockets = tcp_pair();
  FarEnd peer(loop, std::move(sockets.theirs));
  TransferStats stats;
  const auto fail = [] { throw std::runtime_error("no name for it"); };
  auto transfer =
      all(say_and_end(peer, "abc"), receive_into(folder / "sink", std::move(sockets.ours), {}, stats, fail));
  CHECK_THROWS_WITH(loop.run(std::move(transfer)), "no name for it");
  char byte = 0;
  CHECK(read(peer.fd.get(), &byte, 1) == -1);
  CHECK(errno == ECONNRESET);
}

TEST_CASE("receive_file: a full disk is an error of the file and the sender sees a reset") {
  EventLoop loop;
  auto sockets = tcp_pair();
  FarEnd peer(loop, std::move(sockets.theirs));
  TransferStats stats;
  auto transfer =
      all(say_and_end(peer, "abc"), receive_into("/dev/full", std::move(sockets.ours), {}, stats, [] {}));
  const auto error = thrown_by<Error>([&] { loop.run(std::move(transfer)); });
  REQUIRE(error);
  CHECK(error->number() == ENOSPC);
  CHECK(error->origin() == Origin::local_file);
  char byte = 0;
  CHECK(read(peer.fd.get(), &byte, 1) == -1);
}

TEST_CASE("receive_file: a full disk is a full disk however much was expected") {
  EventLoop loop;
  auto sockets = tcp_pair();
  FarEnd peer(loop, std::move(sockets.theirs));
  TransferStats stats;
  ReceiveOptions options;
  options.expected = 3;
  auto transfer = all(say_and_end(peer, "abc"),
                      receive_into("/dev/full", std::move(sockets.ours), options, stats, [] {}));
  CHECK_THROWS_WITH_AS(loop.run(std::move(transfer)), "write /dev/full: No space left on device", Error);
}

TEST_CASE("receive_file: the deadline bounds it") {
  const Folder folder;
  EventLoop loop;
  auto sockets = tcp_pair();
  TransferStats stats;
  ReceiveOptions options;
  options.deadline = after(20ms);
  CHECK_THROWS_AS(loop.run(receive_into(folder / "sink", std::move(sockets.ours), options, stats, [] {})),
                  TimedOut);
}

TEST_CASE("receive_file: a silent sender is bounded and short of what was expected is incomplete") {
  for (const bool expects : {false, true}) {
    CAPTURE(expects);
    const Folder folder;
    EventLoop loop;
    auto sockets = tcp_pair();
    put(sockets.theirs.get(), "abc");
    TransferStats stats;
    ReceiveOptions options;
    options.idle_timeout = 20ms;
    if (expects) options.expected = 10;
    auto transfer = receive_into(folder / "sink", std::move(sockets.ours), options, stats, [] {});
    if (expects)
      CHECK_THROWS_WITH_AS(loop.run(std::move(transfer)), doctest::Contains("3 of 10 bytes arrived"),
                           Incomplete);
    else
      CHECK_THROWS_AS(loop.run(std::move(transfer)), TimedOut);
    CHECK(stats.bytes == 3);
  }
}

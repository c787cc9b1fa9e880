#include "os/calls.hpp"

#include <doctest/doctest.h>
#include <limits.h>
#include <sys/resource.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <functional>
#include <string>

#include "../support/descriptors.hpp"
#include "../support/files.hpp"
#include "../support/in_child.hpp"
#include "../support/thrown.hpp"
#include "base/error.hpp"
#include "os/bytes.hpp"
#include "os/pipe.hpp"

using namespace sockx;
using namespace test;
using State = IoResult::State;

namespace {

std::span<const std::byte> bytes_of_text(const std::string& text) { return std::as_bytes(std::span(text)); }

IoResult read_once(const Descriptor& from) {
  static std::array<std::byte, 65536> buffer;
  return read_some(from, buffer);
}

}  // namespace

TEST_CASE("calls: reading tells bytes, nothing yet and the end apart") {
  struct Row {
    std::string what;
    UniqueFd near, far;
  };
  auto pipe = make_pipe_ends(), blocking_pipe = make_pipe_ends(0);
  auto sockets = unix_pair(), blocking_sockets = tcp_pair(0);
  Row rows[]{{"a pipe", std::move(pipe.read), std::move(pipe.write)},
             {"a blocking pipe", std::move(blocking_pipe.read), std::move(blocking_pipe.write)},
             {"a unix socket", std::move(sockets.ours), std::move(sockets.theirs)},
             {"a blocking TCP socket", std::move(blocking_sockets.ours), std::move(blocking_sockets.theirs)}};
  for (auto& row : rows) {
    CAPTURE(row.what);
    const auto from = described(row.near);
    CHECK(read_once(from).state == State::again);
    put(row.far.get(), "abc");
    const auto moved = read_once(from);
    CHECK(moved.state == State::moved);
    CHECK(moved.bytes == 3);
    row.far.reset();
    CHECK(read_once(from).state == State::eof);
  }
}

TEST_CASE("calls: writing never waits and never raises SIGPIPE on a socket") {
  const std::string much(1 << 20, 'x');
  const auto pipe = make_pipe_ends(), blocking_pipe = make_pipe_ends(0);
  auto sockets = unix_pair(), blocking_sockets = tcp_pair(0);
  for (const int fd :
       {pipe.write.get(), blocking_pipe.write.get(), sockets.ours.get(), blocking_sockets.ours.get()}) {
    const auto to = describe(fd, "it", Origin::peer);
    CAPTURE(static_cast<int>(to.kind));
    CAPTURE(to.may_block);
    std::size_t calls = 0;
    auto put = write_some(to, bytes_of_text(much));
    CHECK(put.state == State::moved);
    if (to.kind == Descriptor::Kind::pipe && to.may_block) CHECK(put.bytes <= PIPE_BUF);
    while (put.state == State::moved && ++calls < 100'000) put = write_some(to, bytes_of_text(much));
    CHECK(put.state == State::again);
  }
  signal(SIGPIPE, SIG_DFL);  // a signal would end the test
  sockets.theirs.reset();
  const auto error = thrown_by<Error>([&] { write_some(described(sockets.ours), bytes_of_text(much)); });
  REQUIRE(error);
  CHECK(error->number() == EPIPE);
}

TEST_CASE("calls: splice and sendfile say when they do not work between these two") {
  const Folder folder;
  const UniqueFd file(open(write_file(folder / "file", "0123456789").c_str(), O_RDONLY));
  const UniqueFd log(open(write_file(folder / "log", "").c_str(), O_WRONLY | O_APPEND));
  const auto pipe = make_pipe_ends();
  put(pipe.write.get(), "abc");
  const auto sockets = unix_pair();
  CHECK(splice_some(described(pipe.read), described(log), 100).state == State::refused);
  CHECK(splice_some(described(file), described(sockets.ours), 100).state == State::refused);  // no pipe
  CHECK(sendfile_some(described(file), described(log), 100).state == State::refused);
  CHECK(sendfile_some(described(file), described(sockets.ours), 4).bytes == 4);
  CHECK(splice_some(described(pipe.read), described(sockets.ours), 2).bytes == 2);
  CHECK(read_available(sockets.theirs.get()) == "0123ab");
  CHECK(splice_some(described(pipe.read), described(sockets.ours), 100).bytes == 1);
  CHECK(splice_some(described(pipe.read), described(sockets.ours), 100).state == State::again);
  CHECK(sendfile_some(described(file), described(sockets.ours), 100).bytes == 6);
  CHECK(sendfile_some(described(file), described(sockets.ours), 100).state == State::eof);
}

// MSG_DONTWAIT has no counterpart for these two.
TEST_CASE("calls: splice and sendfile do not wait on a socket inherited in blocking mode") {
  const Folder folder;
  REQUIRE(truncate(write_file(folder / "file", "").c_str(), 64 << 20) == 0);
  const UniqueFd file(open((folder / "file").c_str(), O_RDONLY));
  const auto sockets = tcp_pair(0);
  const auto pipe = make_pipe_ends();
  const auto socket = described(sockets.ours);
  struct Row {
    std::string what;
    std::function<IoResult()> call;
  };
  for (const auto& [what, call] : {
           Row{"sendfile to it", [&] { return sendfile_some(described(file), socket, 64 << 20); }},
           Row{"splice from it", [&] { return splice_some(socket, described(pipe.write), 100); }},
       }) {
    CAPTURE(what);
    const auto end = in_child([&call = call] {
      alarm(1);
      call();
      return 0;
    });
    CHECK(end.exited_with(0));
  }
}

TEST_CASE("calls: sendfile does not wait on a pipe inherited in blocking mode") {
  const Folder folder;
  const UniqueFd file(open(write_file(folder / "file", "input").c_str(), O_RDONLY));
  const auto pipe = make_pipe_ends();
  fill(pipe.write.get());
  REQUIRE(fcntl(pipe.write.get(), F_SETFL, 0) == 0);
  const auto end = in_child([&] {
    alarm(1);
    return sendfile_some(described(file), described(pipe.write), 5).state == State::moved ? 1 : 0;
  });
  CHECK(end.exited_with(0));
}

TEST_CASE("calls: discard drops bytes where they are") {
  auto sockets = tcp_pair();
  const auto from = described(sockets.ours);
  CHECK(discard_some(from, 1000).state == State::again);
  put(sockets.theirs.get(), "0123456789");
  CHECK(discard_some(from, 4).bytes == 4);
  CHECK(read_available(sockets.ours.get()) == "456789");
  sockets.theirs.reset();
  CHECK(discard_some(from, 1000).state == State::eof);
}

TEST_CASE("calls: shutdown_write tells the peer and shrugs when it has gone") {
  auto sockets = tcp_pair();
  shutdown_write(described(sockets.ours));
  char byte = 0;
  CHECK(read(sockets.theirs.get(), &byte, 1) == 0);
  auto reset = tcp_pair();
  reset_connection(reset.theirs);
  shutdown_write(described(reset.ours));
}

TEST_CASE("calls: set_reset_on_close decides how the peer sees the end") {
  for (const bool reset : {true, false}) {
    CAPTURE(reset);
    auto sockets = tcp_pair();
    set_reset_on_close(sockets.ours.get(), true);
    set_reset_on_close(sockets.ours.get(), reset);
    sockets.ours.reset();
    char byte = 0;
    const auto got = read(sockets.theirs.get(), &byte, 1);
    CHECK(got == (reset ? -1 : 0));
    if (reset) CHECK(errno == ECONNRESET);
  }
}

TEST_CASE("calls: pending_error is told once and only by sockets") {
  auto sockets = tcp_pair();
  CHECK(pending_error(described(sockets.ours)) == 0);
  reset_connection(sockets.theirs);
  CHECK(pending_error(described(sockets.ours)) == ECONNRESET);
  CHECK(pending_error(described(sockets.ours)) == 0);
  CHECK(pending_error(described(make_pipe_ends().read)) == 0);
}

TEST_CASE("calls: unacknowledged counts what a unix peer has not read and nothing for a pipe") {
  const auto sockets = unix_pair();
  CHECK(unacknowledged(described(sockets.ours)) == 0);
  put(sockets.ours.get(), "abc");
  CHECK(unacknowledged(described(sockets.ours)) > 0);
  read_available(sockets.theirs.get());
  CHECK(unacknowledged(described(sockets.ours)) == 0);
  CHECK_FALSE(unacknowledged(described(make_pipe_ends().write)));
}

TEST_CASE(
    "calls: a new pipe does not block and is not inherited and running out of descriptors is no fault") {
  const auto pipe = make_pipe(256 * 1024);
  REQUIRE(pipe);
  CHECK((status_flags(pipe->read_end.get()) & O_NONBLOCK) != 0);
  CHECK((fcntl(pipe->write_end.get(), F_GETFD) & FD_CLOEXEC) != 0);
  CHECK(static_cast<int>(pipe->capacity) == fcntl(pipe->write_end.get(), F_GETPIPE_SZ));
  const auto end = in_child([] {
    const rlimit none{3, 3};
    setrlimit(RLIMIT_NOFILE, &none);
    return make_pipe(65536) ? 1 : 0;
  });
  CHECK(end.exited_with(0));
}

TEST_CASE("calls: a signal does not interrupt a call that moves bytes") {
  const auto end = in_child([] {
    struct sigaction action {};  // without SA_RESTART
    action.sa_handler = [](int) {};
    sigaction(SIGALRM, &action, nullptr);
    auto pipe = make_pipe_ends(0);
    auto from = describe(pipe.read.get(), "pipe", Origin::local_file);
    from.may_block = false;  // so that read(2) itself waits
    if (fork() == 0) {
      usleep(20'000);  // the alarm comes while the parent waits
      _exit(write(pipe.write.get(), "x", 1) == 1 ? 0 : 1);
    }
    ualarm(1000, 1000);
    std::array<std::byte, 1> byte;
    return read_some(from, byte).state == State::moved ? 0 : 1;
  });
  CHECK(end.exited_with(0));
}

#include "net/stream/handover.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <optional>
#include <string>

#include "../../support/files.hpp"
#include "../../support/process.hpp"
#include "../../support/records.hpp"
#include "../../support/said_of.hpp"
#include "../../support/thrown.hpp"
#include "base/error.hpp"
#include "flow/task_group.hpp"
#include "net/stream/dial.hpp"
#include "os/fd_passing.hpp"

using namespace sockx;
using namespace test;
using namespace std::chrono_literals;

namespace {

/// The far side: connects to `path`, and passes `fd` or, without one, says `words`.
Task<> give(std::string path, std::optional<int> fd, std::string words = {}) {
  Endpoint endpoint{Address::unix_name(path)};
  DialOptions options;
  options.deadline = after(patience);
  const auto dialed = co_await dial(std::move(endpoint), std::move(options));
  if (fd)
    REQUIRE(pass_fd(dialed.stream.facts(), *fd));
  else
    put(dialed.fd(), words);
}

Task<> keep_quiet(std::string path) {
  Endpoint endpoint{Address::unix_name(path)};
  DialOptions options;
  const auto dialed = co_await dial(std::move(endpoint), std::move(options));
  auto& loop = co_await this_loop();
  co_await loop.sleep_until(never);
}

Task<> take(std::string path, UniqueFd& taken, Deadline deadline) {
  auto where = Address::unix_name(path);
  taken = co_await receive_socket(where, deadline);
}

Task<> take_socket(std::string word, int type, Socket& taken) {
  const std::vector<std::string> words{word};
  auto endpoint = Endpoint::parse(words, Endpoint::Role::connecting);
  taken = co_await adopt_socket(std::move(endpoint), type, after(patience));
}

}  // namespace

TEST_CASE("receive_socket: the descriptor that is passed arrives, and the name is free again") {
  const Folder folder;
  const auto path = folder / "handover";
  const auto before = open_descriptors();
  {
    auto sockets = tcp_pair();
    EventLoop loop;
    UniqueFd taken;
    loop.run(all(take(path, taken, after(patience)), give(path, sockets.ours.get())));
    sockets.ours.reset();
    CHECK((fcntl(taken.get(), F_GETFD) & FD_CLOEXEC) != 0);
    put(taken.get(), "through it");
    fcntl(sockets.theirs.get(), F_SETFL, 0);
    char bytes[10];
    CHECK(recv(sockets.theirs.get(), bytes, sizeof bytes, MSG_WAITALL) == 10);
  }
  CHECK(open_descriptors() == before);
  CHECK(folder.size() == 0);
}

TEST_CASE("receive_socket: a peer that passes none is an error and one that keeps quiet is waited for") {
  const Folder folder;
  const auto path = folder / "handover";
  EventLoop loop;
  UniqueFd taken;
  for (const auto* words : {"bytes alone", ""}) {
    const auto error = thrown_by<Error>(
        [&] { loop.run(all(take(path, taken, after(patience)), give(path, std::nullopt, words))); });
    REQUIRE(error);
    CHECK(error->number() == EPROTO);
    CHECK(std::string(error->what()).find("unix:" + path + ": no descriptor came") != std::string::npos);
  }
  CHECK_THROWS_WITH_AS(loop.run(all(take(path, taken, after(50ms)), keep_quiet(path))),
                       ("unix:" + path + ": no descriptor came in time").c_str(), TimedOut);
  CHECK_THROWS_AS(loop.run(take(path, taken, after(5ms))), TimedOut);
  CHECK(folder.size() == 0);
}

TEST_CASE("adopt_socket: a socket that is passed has to be of the type asked for") {
  const Folder folder;
  const auto path = folder / "handover";
  const auto word = "fd:unix:" + path;
  const auto stream = unix_pair(), records = record_pair();
  EventLoop loop;
  Socket taken;
  loop.run(all(take_socket(word, SOCK_STREAM, taken), give(path, stream.ours.get())));
  CHECK(taken.type() == SOCK_STREAM);
  loop.run(all(take_socket(word, SOCK_SEQPACKET, taken), give(path, records.ours.get())));
  CHECK(taken.type() == SOCK_SEQPACKET);
  CHECK(test::said_of([&] {
          loop.run(all(take_socket(word, SOCK_STREAM, taken), give(path, records.ours.get())));
        }) == word + ": that socket keeps records apart: Protocol error; say --type seqpacket");
  const auto pipe = make_pipe_ends();
  CHECK_THROWS_WITH_AS(loop.run(all(take_socket(word, SOCK_STREAM, taken), give(path, pipe.read.get()))),
                       (word + ": that is not an open socket: Protocol error").c_str(), Error);
}

TEST_CASE("adopt_socket: what was inherited is taken at once") {
  EventLoop loop;
  auto sockets = unix_pair();
  const int number = sockets.ours.release();
  Socket taken;
  loop.run(take_socket("fd:" + std::to_string(number), SOCK_STREAM, taken));
  CHECK(taken.fd() == number);
}

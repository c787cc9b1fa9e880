// What the peer sees of a conversation that is cut short: a failure never looks like an end.
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>

#include <deque>

#include "../support/descriptors.hpp"
#include "../support/server.hpp"
#include "../support/terminal.hpp"

namespace test {

namespace {

using Words = std::vector<std::string>;

bool is_reset(const Peer& peer) {
  pollfd entry{peer.fd(), 0, 0};
  Peer::check(poll(&entry, 1, 0), "poll");
  return (entry.revents & POLLERR) != 0;
}

int readable_bytes(int fd) {
  int bytes = 0;
  Peer::check(ioctl(fd, FIONREAD, &bytes), "FIONREAD");
  return bytes;
}

void check_is_reset(const Peer& peer) {
  eventually("the connection is reset", [&] { return is_reset(peer); });
}

void check_has_ended_well(Peer& peer) {
  CHECK(peer.receive_all().empty());
  CHECK_FALSE(is_reset(peer));
}

struct Failure {
  std::string what;
  Words words;
  Stdio in, out;
  std::string said = {};  // by the peer
  End end;
};

std::vector<Failure> failures(const Folder& folder) {
  const auto pipe = Stdio::pipe(), null = Stdio::null(), full = Stdio::file("/dev/full", O_WRONLY);
  const auto input = Stdio::input(write_file(folder / "input", noise(5'000'000)));
  const auto folder_input = Stdio::input(folder.path());
  return {
      {"standard input is a folder", {}, folder_input, pipe, "", exited(11)},
      {"standard output is full", {}, pipe, full, "hello", exited(11)},
      {"standard output is full after our end", {}, null, full, "hello", exited(11)},
      {"a file of a filter is full", {"--tee-in", "/dev/full"}, pipe, pipe, "hello", exited(11)},
      {"a filter's file of what is sent is full", {"--tee-out", "/dev/full"}, input, pipe, "", exited(11)},
      {"the program cannot be started", {"--exec", "--", "/no/such/program"}, null, pipe, "", exited(11)},
      {"no byte moves", {"--idle-timeout", "50ms"}, pipe, pipe, "", exited(5)},
      {"the peer takes no more", {"--idle-timeout", "500ms"}, input, pipe, "", exited(5)},
      {"the deadline passes", {"--deadline", "100ms"}, pipe, pipe, "", exited(5)},
      {"the peer does not end", {"--eof-timeout", "50ms"}, null, pipe, "", exited(5)},
      {"a program runs longer than it may",
       {"--deadline", "100ms", "--exec", "--", "sleep", "60"},
       null,
       pipe,
       "",
       exited(5)},
  };
}

TEST_CASE("a failure at our end, or a limit of time, is a reset for the peer") {
  const Folder folder;
  for (const auto& failure : failures(folder)) {
    for (const bool listens : {false, true}) {
      CAPTURE(failure.what);
      CAPTURE(listens);
      PeerListener listener;
      auto words =
          Words{"--quiet", listens ? "listen" : "connect", "127.0.0.1", listens ? "0" : listener.port()};
      words.insert(words.end(), failure.words.begin(), failure.words.end());
      Process process(sockx(words), {failure.in, failure.out});
      auto peer = listens ? Peer::connect(port_of(process)) : listener.accept();
      peer.send(failure.said);
      check_is_reset(peer);
      check_end(process, failure.end);
    }
  }
}

TEST_CASE("a signal while our input is silent takes nothing back that was sent, and the peer sees an end") {
  const auto content = noise(50'000);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    for (const bool listens : {false, true}) {
      CAPTURE(number);
      CAPTURE(listens);
      PeerListener listener;
      Process process(sockx({listens ? "listen" : "connect", "127.0.0.1", listens ? "0" : listener.port()}),
                      {Stdio::pipe()});
      auto peer = listens ? Peer::connect(port_of(process)) : listener.accept();
      process.write(content);
      eventually("everything has been sent", [&] { return readable_bytes(peer.fd()) == 50'000; });
      process.signal(number);
      check_end(process, killed_by(number));
      CHECK(difference(peer.receive_all(), content) == "");
      CHECK_FALSE(is_reset(peer));
    }
  }
}

TEST_CASE("SIGKILL before our input has ended is a reset for the peer") {
  PeerListener listener;
  Process connecting(sockx({"connect", "127.0.0.1", listener.port()}), {Stdio::pipe()});
  auto peer = listener.accept();
  connecting.write("the first half");
  CHECK(peer.receive(14) == "the first half");
  connecting.signal(SIGKILL);
  check_end(connecting, killed_by(SIGKILL));
  check_is_reset(peer);
}

TEST_CASE("a signal in the middle of our input is a reset for the peer") {
  const Folder folder;
  const auto content = noise(50'000'000);
  const auto file = write_file(folder / "content", content);
  for (const bool is_file : {false, true}) {
    for (const bool is_filtered : {false, true}) {
      CAPTURE(is_file);
      CAPTURE(is_filtered);
      PeerListener listener;
      auto words = sockx({"connect", "127.0.0.1", listener.port()});
      if (is_filtered) words.insert(words.end(), {"--tee-out", "/dev/null"});
      Process connecting(words, {is_file ? Stdio::input(file) : Stdio::pipe()});
      auto peer = listener.accept();
      if (!is_file) connecting.feed(content);
      int before = 0, same = 0;
      eventually("the peer's buffer is full", [&] {
        const int now = readable_bytes(peer.fd());
        same = now > 0 && now == std::exchange(before, now) ? same + 1 : 0;
        return same == 100;
      });
      connecting.signal(SIGTERM);
      check_end(connecting, killed_by(SIGTERM));
      CHECK(peer.ends_by_reset());
    }
  }
}

TEST_CASE("a signal while a program is silent is a reset for the peer") {
  PeerListener listener;
  Process connecting(sockx({"connect", "127.0.0.1", listener.port(), "--exec", "--", "cat"}));
  auto peer = listener.accept();
  check_echo(peer, "hello");
  connecting.signal(SIGTERM);
  check_end(connecting, killed_by(SIGTERM));
  check_is_reset(peer);
}

TEST_CASE("a signal after our input has ended takes nothing back") {
  PeerListener listener;
  Process connecting(sockx({"connect", "127.0.0.1", listener.port()}), {Stdio::pipe()});
  auto peer = listener.accept();
  connecting.feed("everything");
  CHECK(peer.receive_all() == "everything");
  connecting.signal(SIGTERM);
  check_end(connecting, killed_by(SIGTERM));
  check_has_ended_well(peer);
}

TEST_CASE("a signal is as good an end as another where a user types") {
  for (const bool keeps_open : {false, true}) {
    CAPTURE(keeps_open);
    Terminal terminal;
    auto words = sockx({"listen", "127.0.0.1", "0"});
    if (keeps_open) words.emplace_back("--keep-open");
    Process listening(words, {terminal.stream()});
    auto peer = Peer::connect(port_of(listening));
    terminal.type("hello\n");
    CHECK(peer.receive(6) == "hello\n");
    listening.signal(SIGINT);
    check_end(listening, killed_by(SIGINT));
    check_has_ended_well(peer);
  }
}

TEST_CASE("--deadline is a failure also where a user types") {
  Terminal terminal;
  PeerListener listener;
  Process connecting(sockx({"connect", "--deadline", "100ms", "127.0.0.1", listener.port()}),
                     {terminal.stream()});
  auto peer = listener.accept();
  check_failure(connecting, 5, "deadline");
  check_is_reset(peer);
}

TEST_CASE("a linger that the user has set holds for the end, and not for a failure") {
  for (const bool fails : {false, true}) {
    CAPTURE(fails);
    PeerListener listener;
    Process connecting(sockx({"connect", "--opt", "linger=on,1", "127.0.0.1", listener.port()}),
                       {Stdio::pipe(), fails ? Stdio::file("/dev/full", O_WRONLY) : Stdio::pipe()});
    auto peer = listener.accept();
    peer.send("hello");
    if (!fails) {
      peer.finish();
      connecting.feed("hello");
      CHECK(peer.receive_all() == "hello");
    }
    check_end(connecting, exited(fails ? 11 : 0));
    if (fails) check_is_reset(peer);
  }
}

TEST_CASE("listen --keep-open: when standard output or input fails, every client meets a reset") {
  const Folder folder;
  for (const bool output : {true, false}) {
    CAPTURE(output);
    Process listening(sockx({"listen", "--keep-open", "127.0.0.1", "0"}),
                      {output ? Stdio::pipe() : Stdio::input(folder.path()),
                       output ? Stdio::file("/dev/full", O_WRONLY) : Stdio::pipe()});
    const auto port = port_of(listening);
    auto silent = Peer::connect(port);
    if (output) {
      auto talking = Peer::connect(port);
      talking.send("hello");
      check_is_reset(talking);
    }
    check_is_reset(silent);
    check_end(listening, exited(11));
  }
}

/// A server, what a client says to it at first, and what the client hears then.
struct Served {
  Words words;
  std::string said = {}, heard = {};
};

const std::vector<Served> quiet_servers{
    {{"--keep-open"}},
    {{"--keep-open", "--handler", "echo"}, "hello", "hello"},
    {{"--keep-open", "--handler", "upper"}, "hello", "HELLO"},
    {{"--keep-open", "--handler", "discard"}},
    {{"--broker"}},
    {{"--keep-open", "--handler", "echo", "--workers", "2"}, "hello", "hello"},
};

Peer client_of(const std::string& port, const Served& served) {
  auto peer = Peer::connect(port);
  peer.send(served.said);
  CHECK(peer.receive(served.heard.size()) == served.heard);
  return peer;
}

TEST_CASE("a server that is ended by a signal while all is silent ends its clients, others it resets") {
  for (const auto& served : quiet_servers) {
    for (const int signal : {SIGTERM, SIGINT, SIGKILL}) {
      Process listening(sockx({"-v", "listen", "127.0.0.1:0"}) + served.words, {Stdio::pipe()});
      CAPTURE(listening.command());
      CAPTURE(signal);
      auto peer = client_of(port_of(listening), served);
      listening.err_line("connection 1 from");
      listening.signal(signal);
      check_end(listening, killed_by(signal));
      if (signal == SIGKILL)
        check_is_reset(peer);
      else
        check_has_ended_well(peer);
    }
  }
}

TEST_CASE("a server that a limit of time ends resets its clients") {
  std::deque<Process> running;
  std::vector<Peer> peers;
  for (const auto& served : quiet_servers) {
    auto& server = running.emplace_back(sockx({"listen", "--deadline", "3s", "127.0.0.1:0"}) + served.words,
                                        Process::Options{Stdio::pipe()});
    peers.push_back(client_of(port_of(server), served));
  }
  for (std::size_t i = 0; i < running.size(); ++i) {
    CAPTURE(running[i].command());
    check_end(running[i], exited(5));
    check_is_reset(peers[i]);
  }
}

TEST_CASE("a server whose standard output has gone resets its clients") {
  for (const auto& served : quiet_servers) {
    if (served.words.size() > 3) continue;  // of several workers one goes on
    auto [read_end, write_end] = make_pipe_ends(0);
    Process listening(sockx({"--json", "listen", "127.0.0.1:0"}) + served.words,
                      {Stdio::pipe(), Stdio::given(write_end.get())});
    CAPTURE(listening.command());
    write_end.reset();
    const auto port = port_of(listening);
    auto peer = client_of(port, served);
    read_end.reset();
    try {
      Peer::connect(port);                // an event of which finds out
    } catch (const std::system_error&) {  // it was known already
    }
    check_end(listening, killed_by(SIGPIPE));
    check_is_reset(peer);
  }
}

TEST_CASE("--handler chargen has never said everything: a signal is a reset for its clients") {
  Process listening(sockx({"listen", "--keep-open", "--handler", "chargen", "127.0.0.1:0"}));
  auto peer = Peer::connect(port_of(listening));
  CHECK(peer.receive(1) == " ");
  listening.signal(SIGTERM);
  check_end(listening, killed_by(SIGTERM));
  CHECK(peer.ends_by_reset());
}

TEST_CASE("listen --keep-open: a signal in the middle of standard input is a reset for every client") {
  const Folder folder;
  const auto input = write_file(folder / "input", noise(50'000'000));
  Process listening(sockx({"listen", "--keep-open", "127.0.0.1", "0"}), {Stdio::input(input)});
  auto peer = Peer::connect(port_of(listening));
  CHECK(peer.receive(1).size() == 1);
  listening.signal(SIGTERM);
  check_end(listening, killed_by(SIGTERM));
  CHECK(peer.ends_by_reset());
}

TEST_CASE("listen --keep-open: a signal after the end of standard input takes nothing back") {
  Process listening(sockx({"listen", "--keep-open", "127.0.0.1", "0"}), {Stdio::pipe()});
  auto peer = Peer::connect(port_of(listening));
  listening.write("hello");
  CHECK(peer.receive(5) == "hello");
  listening.close_input();
  CHECK(peer.receive(1).empty());
  listening.signal(SIGTERM);
  check_end(listening, killed_by(SIGTERM));
  check_has_ended_well(peer);
}

TEST_CASE("a program that fails after it has closed its output has ended it: its client sees an end") {
  for (const bool stays : {true, false}) {
    auto words = sockx({"listen", "--sh", "echo partial; exit 3", "127.0.0.1:0"});
    if (stays) words.emplace_back("--keep-open");
    Process listening(words);
    auto peer = Peer::connect(port_of(listening));
    peer.finish();
    CHECK(peer.receive_all() == "partial\n");
    if (stays) listening.signal(SIGTERM);
    check_end(listening, stays ? killed_by(SIGTERM) : exited(1));
  }
}

TEST_CASE("listen --keep-open --exec: no program, or one that is cut off, is a reset for its client") {
  Server without({"--keep-open", "--exec", "--", "/no/such/program"});
  auto first = without.connect();
  check_is_reset(first);
  without.stop();
  Server stopped({"--keep-open", "--exec", "--", "cat"});
  auto second = stopped.connect();
  check_echo(second, "hello");
  stopped.stop();
  check_is_reset(second);
}

TEST_CASE("a server's client that is idle for too long meets a reset") {
  for (const auto& words : {Words{"--keep-open"},
                            {"--keep-open", "--handler", "echo"},
                            {"--handler", "echo"},
                            {"--keep-open", "--exec", "--", "cat"}}) {
    Process listening(sockx({"listen", "--idle-timeout", "50ms", "127.0.0.1:0"}) + words);
    auto peer = Peer::connect(port_of(listening));
    check_is_reset(peer);
  }
}

}  // namespace

}  // namespace test

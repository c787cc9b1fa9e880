// What the peer sees of a conversation that is cut short: a failure never looks like an end.
#include <signal.h>
#include <sys/ioctl.h>

#include <deque>

#include "../support/descriptors.hpp"
#include "../support/server.hpp"
#include "../support/terminal.hpp"
#include "../support/transport.hpp"

namespace test {

namespace {

using Words = std::vector<std::string>;

int readable_bytes(int fd) {
  int bytes = 0;
  Peer::check(ioctl(fd, FIONREAD, &bytes), "FIONREAD");
  return bytes;
}

/// So many bytes of a stream have come to the peer, and have not been read.
std::size_t arrived_bytes(const Transport& over, const Peer& peer) {
  std::string records(static_cast<std::size_t>(readable_bytes(peer.fd())), '\0');
  const auto got = recv(peer.fd(), records.data(), records.size(), MSG_PEEK | MSG_DONTWAIT);
  records.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return over.content_of(records);
}

void check_has_ended_well(Peer& peer) {
  CHECK(peer.receive_all().empty());
  CHECK_FALSE(peer.is_reset());
}

struct Failure {
  std::string what;
  Words words;
  Stdio in, out;
  std::string said = {};  // by the peer
  End end;
};

/// Limits of time are the longer ones over TLS, whose handshake they bound as well.
std::vector<Failure> failures(const Folder& folder, const Transport& over) {
  const std::string at_once = over.is_secured() ? "2s" : "50ms", soon = over.is_secured() ? "2s" : "500ms";
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
      {"no byte moves", {"--idle-timeout", at_once}, pipe, pipe, "", exited(5)},
      {"the peer takes no more", {"--idle-timeout", soon}, input, pipe, "", exited(5)},
      {"the deadline passes", {"--deadline", at_once}, pipe, pipe, "", exited(5)},
      {"the peer does not end", {"--eof-timeout", "50ms"}, null, pipe, "", exited(5)},
      {"a program runs longer than it may",
       {"--deadline", at_once, "--exec", "--", "sleep", "60"},
       null,
       pipe,
       "",
       exited(5)},
  };
}

TEST_CASE("a failure at our end, or a limit of time, is a reset for the peer") {
  const Folder folder;
  for (const Transport over : every_transport) {
    std::deque<Failure> expected;
    std::deque<Connected> running;  // at the same time: some wait for a limit
    for (const auto& failure : failures(folder, over)) {
      for (const auto& command : either_command) {
        expected.push_back(failure);
        running.emplace_back(over, command, failure.words, Process::Options{failure.in, failure.out},
                             Words{"--quiet"});
        running.back().peer.send(failure.said);
      }
    }
    for (std::size_t i = 0; i < running.size(); ++i) {
      CAPTURE(over);
      CAPTURE(expected[i].what);
      CAPTURE(running[i].ours.command());
      check_is_reset(running[i].peer);
      check_end(running[i].ours, expected[i].end);
    }
  }
}

TEST_CASE("a signal while our input is silent takes nothing back that was sent, and the peer sees an end") {
  const auto content = noise(50'000);
  for (const Transport over : every_transport) {
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
      for (const auto& command : either_command) {
        CAPTURE(over);
        CAPTURE(number);
        CAPTURE(command);
        Connected both(over, command);
        auto& [listener, process, peer] = both;
        process.write(content);
        eventually("everything has been sent",
                   [&, &peer = peer] { return arrived_bytes(over, peer) == content.size(); });
        process.signal(number);
        check_end(process, killed_by(number));
        CHECK(difference(peer.receive_all(), content) == "");
        CHECK_FALSE(peer.is_reset());
      }
    }
  }
}

TEST_CASE("SIGKILL before our input has ended is a reset for the peer") {
  for (const Transport over : plain_and_secured) {
    CAPTURE(over);
    Connected both(over, "connect");
    auto& [listener, connecting, peer] = both;
    connecting.write("the first half");
    CHECK(peer.receive(14) == "the first half");
    connecting.signal(SIGKILL);
    check_end(connecting, killed_by(SIGKILL));
    check_is_reset(peer);
  }
}

TEST_CASE("a signal in the middle of our input is a reset for the peer") {
  const Folder folder;
  const auto content = noise(50'000'000);
  const auto file = write_file(folder / "content", content);
  for (const Transport over : every_transport) {
    for (const bool is_file : {false, true}) {
      for (const bool is_filtered : {false, true}) {
        CAPTURE(over);
        CAPTURE(is_file);
        CAPTURE(is_filtered);
        Connected both(over, "connect", is_filtered ? Words{"--tee-out", "/dev/null"} : Words{},
                       {is_file ? Stdio::input(file) : Stdio::pipe()});
        auto& [listener, connecting, peer] = both;
        if (!is_file) connecting.feed(content);
        int before = 0, same = 0;
        eventually("the peer's buffer is full", [&, &peer = peer] {
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
}

TEST_CASE("a signal while a program is silent is a reset for the peer") {
  for (const Transport over : plain_and_secured) {
    CAPTURE(over);
    Connected both(over, "connect", {"--exec", "--", "cat"});
    check_echo(both.peer, "hello");
    both.ours.signal(SIGTERM);
    check_end(both.ours, killed_by(SIGTERM));
    check_is_reset(both.peer);
  }
}

TEST_CASE("a signal after our input has ended takes nothing back") {
  for (const Transport over : every_transport) {
    CAPTURE(over);
    Connected both(over, "connect");
    auto& [listener, connecting, peer] = both;
    connecting.feed("everything");
    CHECK(peer.receive_all() == "everything");
    connecting.signal(SIGTERM);
    check_end(connecting, killed_by(SIGTERM));
    check_has_ended_well(peer);
  }
}

TEST_CASE("a signal is as good an end as another where a user types") {
  for (const Transport over : plain_and_secured) {
    for (const bool keeps_open : {false, true}) {
      CAPTURE(over);
      CAPTURE(keeps_open);
      Terminal terminal;
      Connected both(over, "listen", keeps_open ? Words{"--keep-open"} : Words{}, {terminal.stream()});
      auto& [listener, listening, peer] = both;
      terminal.type("hello\n");
      CHECK(peer.receive(6) == "hello\n");
      listening.signal(SIGINT);
      check_end(listening, killed_by(SIGINT));
      check_has_ended_well(peer);
    }
  }
}

TEST_CASE("--deadline is a failure also where a user types") {
  for (const Transport over : plain_and_secured) {
    CAPTURE(over);
    Terminal terminal;
    Connected both(over, "connect", {"--deadline", over.is_secured() ? "2s" : "100ms"}, {terminal.stream()});
    check_failure(both.ours, 5, "deadline");
    check_is_reset(both.peer);
  }
}

TEST_CASE("a linger that the user has set holds for the end, and not for a failure") {
  for (const Transport over : plain_and_secured) {
    for (const bool fails : {false, true}) {
      CAPTURE(over);
      CAPTURE(fails);
      Connected both(over, "connect", {"--opt", "linger=on,1"},
                     {Stdio::pipe(), fails ? Stdio::file("/dev/full", O_WRONLY) : Stdio::pipe()});
      auto& [listener, connecting, peer] = both;
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
}

TEST_CASE("listen --keep-open: when standard output or input fails, every client meets a reset") {
  const Folder folder;
  for (const Transport over : plain_and_secured) {
    for (const bool output : {true, false}) {
      CAPTURE(over);
      CAPTURE(output);
      Process listening(sockx({"listen", "--keep-open", "127.0.0.1", "0"}) + over.words(true),
                        {output ? Stdio::pipe() : Stdio::input(folder.path()),
                         output ? Stdio::file("/dev/full", O_WRONLY) : Stdio::pipe()});
      const auto port = port_of(listening);
      auto silent = over.connected_to(port);
      if (output) {
        auto talking = over.connected_to(port);
        talking.send("hello");
        check_is_reset(talking);
      }
      check_is_reset(silent);
      check_end(listening, exited(11));
    }
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

Peer client_of(const std::string& port, const Served& served, const Transport& over) {
  auto peer = over.connected_to(port);
  peer.send(served.said);
  CHECK(peer.receive(served.heard.size()) == served.heard);
  return peer;
}

TEST_CASE("a server that is ended by a signal while all is silent ends its clients, others it resets") {
  for (const Transport over : plain_and_secured) {
    for (const auto& served : quiet_servers) {
      for (const int signal : {SIGTERM, SIGINT, SIGKILL}) {
        Process listening(sockx({"-v", "listen", "127.0.0.1:0"}) + over.words(true) + served.words,
                          {Stdio::pipe()});
        CAPTURE(listening.command());
        CAPTURE(signal);
        auto peer = client_of(port_of(listening), served, over);
        listening.err_line(over.is_secured() ? "TLS with" : "connection 1 from");
        listening.signal(signal);
        check_end(listening, killed_by(signal));
        if (signal != SIGKILL)
          check_has_ended_well(peer);
        else if (over.is_secured())
          CHECK_THROWS(peer.receive_all());  // an end without close_notify, if it is before the conversation
        else
          check_is_reset(peer);
      }
    }
  }
}

TEST_CASE("a server that a limit of time ends resets its clients") {
  std::deque<Process> running;
  std::vector<Peer> peers;
  for (const Transport over : plain_and_secured) {
    for (const auto& served : quiet_servers) {
      auto& server = running.emplace_back(
          sockx({"listen", "--deadline", "3s", "127.0.0.1:0"}) + over.words(true) + served.words,
          Process::Options{Stdio::pipe()});
      peers.push_back(client_of(port_of(server), served, over));
    }
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
    auto peer = client_of(port, served, Transport::Kind::plain);
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
  for (const Transport over : plain_and_secured) {
    CAPTURE(over);
    Connected both(over, "listen", {"--keep-open", "--handler", "chargen"});
    CHECK(both.peer.receive(1) == " ");
    both.ours.signal(SIGTERM);
    check_end(both.ours, killed_by(SIGTERM));
    CHECK(both.peer.ends_by_reset());
  }
}

TEST_CASE("listen --keep-open: a signal in the middle of standard input is a reset for every client") {
  const Folder folder;
  const auto input = write_file(folder / "input", noise(50'000'000));
  for (const Transport over : plain_and_secured) {
    CAPTURE(over);
    Connected both(over, "listen", {"--keep-open"}, {Stdio::input(input)});
    CHECK(both.peer.receive(1).size() == 1);
    both.ours.signal(SIGTERM);
    check_end(both.ours, killed_by(SIGTERM));
    CHECK(both.peer.ends_by_reset());
  }
}

TEST_CASE("listen --keep-open: a signal after the end of standard input takes nothing back") {
  for (const Transport over : plain_and_secured) {
    CAPTURE(over);
    Connected both(over, "listen", {"--keep-open"});
    auto& [listener, listening, peer] = both;
    listening.write("hello");
    CHECK(peer.receive(5) == "hello");
    listening.close_input();
    CHECK(peer.receive(1).empty());
    listening.signal(SIGTERM);
    check_end(listening, killed_by(SIGTERM));
    check_has_ended_well(peer);
  }
}

TEST_CASE("a program that fails after it has closed its output has ended it: its client sees an end") {
  for (const Transport over : plain_and_secured) {
    for (const bool stays : {true, false}) {
      CAPTURE(over);
      CAPTURE(stays);
      const auto words = Words{"--sh", "echo partial; exit 3"} + (stays ? Words{"--keep-open"} : Words{});
      Connected both(over, "listen", words);
      both.peer.finish();
      CHECK(both.peer.receive_all() == "partial\n");
      if (stays) both.ours.signal(SIGTERM);
      check_end(both.ours, stays ? killed_by(SIGTERM) : exited(1));
    }
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

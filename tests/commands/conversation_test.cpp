// listen and connect: how a conversation begins, and how it ends whole.
#include "../support/peer.hpp"
#include "../support/sockx.hpp"
#include "../support/transport.hpp"

namespace test {

namespace {

constexpr std::size_t fifty_megabytes = 50'000'000;

std::string port_of_peer(const Peer& peer) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  Peer::check(getpeername(peer.fd(), reinterpret_cast<sockaddr*>(&address), &size), "getpeername");
  return std::to_string(ntohs(address.sin_port));
}

TEST_CASE("listen and connect: each gets what the other has, in every size") {
  const Folder folder;
  for (const Transport over : plain_and_secured) {
    for (const std::size_t size : {0UL, 1UL, 65'536UL, 8UL << 20U}) {
      CAPTURE(over);
      CAPTURE(size);
      const auto question = noise(size, 1), answer = noise(size, 2);
      write_file(folder / "question", question);
      write_file(folder / "answer", answer);
      Process listening(sockx({"listen", "127.0.0.1", "0"}) + over.words(true),
                        {Stdio::input(folder / "answer"), Stdio::output(folder / "question-out")});
      Process connecting(sockx({"connect", "127.0.0.1", port_of(listening)}) + over.words(false),
                         {Stdio::pipe()});
      connecting.feed(question);
      check_end(connecting, exited(0));
      check_end(listening, exited(0));
      CHECK(difference(connecting.out(), answer) == "");
      CHECK(difference(read_file(folder / "question-out"), question) == "");
      CHECK(connecting.err() == "");
      CHECK(listening.err() == "");
    }
  }
}

TEST_CASE("listen *:PORT: every address of both families, as the port alone") {
  for (const auto& words : {std::vector<std::string>{"*:0"}, {"*", "0"}}) {
    for (const auto* const host : {"127.0.0.1", "::1"}) {
      Process listening(sockx({"listen"}) + words, {Stdio::null()});
      run(sockx({"connect", host, port_of(listening), "--line", "hello"}));
      check_end(listening, exited(0));
      CHECK(listening.out() == "hello\n");
    }
  }
}

TEST_CASE("half-close: the client ends after 10 bytes, and the server still delivers 50 MB whole") {
  const Folder folder;
  const auto answer = noise(fifty_megabytes);
  write_file(folder / "answer", answer);
  for (const Transport over : plain_and_secured) {
    for (const bool client_ends_first : {true, false}) {
      CAPTURE(over);
      CAPTURE(client_ends_first);
      const Process::Options short_side{Stdio::pipe(), Stdio::output(folder / "long-out")};
      const Process::Options long_side{Stdio::input(folder / "answer"), Stdio::output(folder / "short-out")};
      Process listening(sockx({"listen", "127.0.0.1", "0"}) + over.words(true),
                        client_ends_first ? long_side : short_side);
      Process connecting(sockx({"connect", "127.0.0.1", port_of(listening)}) + over.words(false),
                         client_ends_first ? short_side : long_side);
      (client_ends_first ? connecting : listening).feed("ten bytes\n");
      check_end(connecting, exited(0));
      check_end(listening, exited(0));
      CHECK(read_file(folder / "short-out") == "ten bytes\n");
      CHECK(difference(read_file(folder / "long-out"), answer) == "");
    }
  }
}

TEST_CASE("half-close: after our end the peer's answer may take its time") {
  for (const Transport over : every_transport) {
    for (const auto& command : either_command) {
      CAPTURE(over);
      CAPTURE(command);
      Connected both(over, command, {}, {Stdio::null()});
      CHECK(both.peer.receive_all().empty());
      both.peer.send("late");
      both.peer.finish();
      check_end(both.ours, exited(0));
      CHECK(both.ours.out() == "late");
    }
  }
}

TEST_CASE("half-close: after the peer's end ours may take its time") {
  for (const Transport over : every_transport) {
    for (const auto& command : either_command) {
      CAPTURE(over);
      CAPTURE(command);
      Connected both(over, command);
      both.peer.send("question\n");
      both.peer.finish();
      CHECK(both.ours.out_line() == "question");
      both.ours.write("late ");
      CHECK(both.peer.receive(5) == "late ");
      both.ours.feed("answer");
      CHECK(both.peer.receive_all() == "answer");
      check_end(both.ours, exited(0));
      CHECK(both.ours.out() == "question\n");
    }
  }
}

TEST_CASE("--until local: the peer, which has said something itself, gets all 50 MB") {
  const Folder folder;
  const auto content = noise(fifty_megabytes);
  write_file(folder / "content", content);
  for (const Transport over : plain_and_secured) {
    CAPTURE(over);
    Connected both(over, "connect", {"--until", "local"}, {Stdio::input(folder / "content")});
    auto& [listener, connecting, peer] = both;
    peer.send("220 at your service\r\n");
    CHECK(difference(peer.receive_all(), content) == "");
    peer.finish();
    check_end(connecting, exited(0));
    CHECK(connecting.out() == "220 at your service\r\n");
  }
}

TEST_CASE("--until peer: the session ends with the peer although stdin stays open") {
  for (const Transport over : every_transport) {
    for (const auto& command : either_command) {
      CAPTURE(over);
      CAPTURE(command);
      Connected both(over, command, {"--until", "peer"});
      auto& [listener, ours, peer] = both;
      ours.write("question");
      CHECK(peer.receive(8) == "question");
      peer.send("answer");
      peer.finish();
      CHECK(peer.receive_all().empty());
      check_end(ours, exited(0));
      CHECK(ours.out() == "answer");
    }
  }
}

TEST_CASE("--until either: whichever end comes first") {
  for (const Transport over : every_transport) {
    for (const auto& command : either_command) {
      for (const bool peer_first : {true, false}) {
        CAPTURE(over);
        CAPTURE(command);
        CAPTURE(peer_first);
        Connected both(over, command, {"--until", "either"});
        if (peer_first)
          both.peer.finish();
        else
          both.ours.close_input();
        CHECK(both.peer.receive_all().empty());
        both.peer.close();
        check_end(both.ours, exited(0));
      }
    }
  }
}

TEST_CASE("--until both: whichever end comes first, the other is waited for") {
  for (const Transport over : every_transport) {
    for (const bool peer_first : {true, false}) {
      CAPTURE(over);
      CAPTURE(peer_first);
      Connected both(over, "connect", {"--until", "both"});
      auto& [listener, ours, peer] = both;
      if (peer_first) {
        peer.finish();
        ours.err_line("warning");
        ours.feed("answer");
        CHECK(peer.receive_all() == "answer");
      } else {
        ours.close_input();
        CHECK(peer.receive_all().empty());
        peer.send("answer");
        peer.finish();
      }
      check_end(ours, exited(0));
      CHECK(ours.out() == (peer_first ? "" : "answer"));
    }
  }
}

TEST_CASE("--no-shutdown: our end stays open until the peer's") {
  for (const Transport over : every_transport) {
    for (const auto& command : either_command) {
      CAPTURE(over);
      CAPTURE(command);
      Connected both(over, command, {"--no-shutdown", "-vv"});
      auto& [listener, ours, peer] = both;
      ours.feed("question");
      CHECK(peer.receive(8) == "question");
      ours.err_line("stdin has ended");
      char byte = 0;
      CHECK(recv(peer.fd(), &byte, 1, MSG_DONTWAIT) == -1);  // neither a byte nor an end
      peer.finish();
      CHECK(peer.receive_all().empty());
      check_end(ours, exited(0));
    }
  }
}

TEST_CASE("--eof-timeout: a peer that does not end in time is a failure, and a reset for it") {
  for (const Transport over : every_transport) {
    for (const auto& command : either_command) {
      CAPTURE(over);
      CAPTURE(command);
      Connected both(over, command, {"--eof-timeout", "200ms"}, {Stdio::null()});
      CHECK(both.peer.receive_all().empty());
      check_failure(both.ours, 5, "has not ended 0.2 s after stdin did");
      check_is_reset(both.peer);
    }
  }
}

TEST_CASE("a peer that resets is told as 7, before and after our end") {
  for (const Transport over : every_transport) {
    for (const auto& command : either_command) {
      for (const bool has_ended : {false, true}) {
        CAPTURE(over);
        CAPTURE(command);
        CAPTURE(has_ended);
        Connected both(over, command);
        auto& [listener, ours, peer] = both;
        ours.write("question");
        CHECK(peer.receive(8) == "question");
        if (has_ended) {
          ours.close_input();
          CHECK(peer.receive_all().empty());
        }
        peer.reset();
        check_failure(ours, 7, "Connection reset by peer");
      }
    }
  }
}

TEST_CASE("a peer that has ended while stdin is silent is told of once, with the way out") {
  for (const Transport over : every_transport) {
    CAPTURE(over);
    Connected both(over, "connect");
    both.peer.finish();
    CHECK(contains(both.ours.err_line("warning"), "--until peer"));
    both.ours.close_input();
    check_end(both.ours, exited(0));
    CHECK(lines_of(both.ours.err()).size() == 1);
  }
}

TEST_CASE("the end of the peer is at once the end of stdout for the reader behind it") {
  for (const Transport over : every_transport) {
    CAPTURE(over);
    Connected both(over, "connect");
    auto& [listener, connecting, peer] = both;
    peer.send("last words\n");
    peer.finish();
    CHECK(connecting.out_line() == "last words");
    CHECK_THROWS_WITH(connecting.out_line(),
                      doctest::Contains("no line"));  // ended, long before it would be late
    CHECK(connecting.is_running());
    connecting.close_input();
    check_end(connecting, exited(0));
  }
}

TEST_CASE("listen: one conversation, then the port is free for others") {
  for (const Transport over : plain_and_secured) {
    CAPTURE(over);
    Connected both(over, "listen");
    auto& [listener, listening, peer] = both;
    peer.send("hello\n");
    CHECK(listening.out_line() == "hello");
    const auto port = port_of_peer(peer);
    CHECK_THROWS_WITH(Peer::connect(port), doctest::Contains("Connection refused"));
    listening.close_input();
    peer.finish();
    check_end(listening, exited(0));
  }
}

TEST_CASE("listen: a port alone takes IPv6 and IPv4") {
  for (const auto* host : {"127.0.0.1", "::1"}) {
    Process listening(sockx({"listen", "-v", "0"}));
    CHECK(contains(listening.err_line("listening on"), "[::]:"));
    run(sockx({"connect", host, port_of(listening)}));
    check_end(listening, exited(0));
  }
}

TEST_CASE("an inherited socket, listening or connected, is spoken through") {
  PeerListener listener;
  auto ours = Peer::connect(listener.port());
  auto theirs = listener.accept();
  Process connected(sockx({"connect", "fd:" + std::to_string(theirs.fd())}), {.inherited = {theirs.fd()}});
  theirs.close();
  ours.send("through an inherited socket");
  ours.finish();
  check_end(connected, exited(0));
  CHECK(connected.out() == "through an inherited socket");
  CHECK(ours.receive_all().empty());
}

}  // namespace

}  // namespace test

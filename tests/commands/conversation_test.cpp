// listen and connect: how a conversation begins, and how it ends whole.
#include "../support/peer.hpp"
#include "../support/sockx.hpp"

namespace test {

namespace {

constexpr std::size_t fifty_megabytes = 50'000'000;

TEST_CASE("listen and connect: each gets what the other has, in every size") {
  const Folder folder;
  for (const std::size_t size : {0UL, 1UL, 65'536UL, 8UL << 20U}) {
    CAPTURE(size);
    const auto question = noise(size, 1), answer = noise(size, 2);
    write_file(folder / "question", question);
    write_file(folder / "answer", answer);
    Process listening(sockx({"listen", "127.0.0.1", "0"}),
                      {Stdio::input(folder / "answer"), Stdio::output(folder / "question-out")});
    Process connecting(sockx({"connect", "127.0.0.1", port_of(listening)}), {Stdio::pipe()});
    connecting.feed(question);
    check_end(connecting, exited(0));
    check_end(listening, exited(0));
    CHECK(difference(connecting.out(), answer) == "");
    CHECK(difference(read_file(folder / "question-out"), question) == "");
    CHECK(connecting.err() == "");
    CHECK(listening.err() == "");
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
  for (const bool client_ends_first : {true, false}) {
    CAPTURE(client_ends_first);
    const Process::Options short_side{Stdio::pipe(), Stdio::output(folder / "long-out")};
    const Process::Options long_side{Stdio::input(folder / "answer"), Stdio::output(folder / "short-out")};
    Process listening(sockx({"listen", "127.0.0.1", "0"}), client_ends_first ? long_side : short_side);
    Process connecting(sockx({"connect", "127.0.0.1", port_of(listening)}),
                       client_ends_first ? short_side : long_side);
    (client_ends_first ? connecting : listening).feed("ten bytes\n");
    check_end(connecting, exited(0));
    check_end(listening, exited(0));
    CHECK(read_file(folder / "short-out") == "ten bytes\n");
    CHECK(difference(read_file(folder / "long-out"), answer) == "");
  }
}

TEST_CASE("half-close: after our end the peer's answer may take its time") {
  PeerListener listener;
  Process connecting(sockx({"connect", "127.0.0.1", listener.port()}));
  auto peer = listener.accept();
  CHECK(peer.receive_all().empty());
  peer.send("late");
  peer.finish();
  check_end(connecting, exited(0));
  CHECK(connecting.out() == "late");
}

TEST_CASE("--until local: the peer, which has said something itself, gets all 50 MB") {
  const Folder folder;
  const auto content = noise(fifty_megabytes);
  write_file(folder / "content", content);
  PeerListener listener;
  Process connecting(sockx({"connect", "--until", "local", "127.0.0.1", listener.port()}),
                     {Stdio::input(folder / "content")});
  auto peer = listener.accept();
  peer.send("220 at your service\r\n");
  CHECK(difference(peer.receive_all(), content) == "");
  peer.finish();
  check_end(connecting, exited(0));
  CHECK(connecting.out() == "220 at your service\r\n");
}

TEST_CASE("--until peer: the session ends with the peer although stdin stays open") {
  PeerListener listener;
  Process connecting(sockx({"connect", "--until", "peer", "127.0.0.1", listener.port()}), {Stdio::pipe()});
  auto peer = listener.accept();
  connecting.write("question");
  CHECK(peer.receive(8) == "question");
  peer.send("answer");
  peer.finish();
  CHECK(peer.receive_all().empty());
  check_end(connecting, exited(0));
  CHECK(connecting.out() == "answer");
}

TEST_CASE("--until either: whichever end comes first") {
  for (const bool peer_first : {true, false}) {
    PeerListener listener;
    Process connecting(sockx({"connect", "--until", "either", "127.0.0.1", listener.port()}),
                       {Stdio::pipe()});
    auto peer = listener.accept();
    if (peer_first)
      peer.finish();
    else
      connecting.close_input();
    CHECK(peer.receive_all().empty());
    peer.close();
    check_end(connecting, exited(0));
  }
}

TEST_CASE("--no-shutdown: our end stays open until the peer's") {
  PeerListener listener;
  Process connecting(sockx({"connect", "--no-shutdown", "-vv", "127.0.0.1", listener.port()}),
                     {Stdio::pipe()});
  auto peer = listener.accept();
  connecting.feed("question");
  CHECK(peer.receive(8) == "question");
  connecting.err_line("stdin has ended");
  char byte = 0;
  CHECK(recv(peer.fd(), &byte, 1, MSG_DONTWAIT) == -1);  // neither a byte nor an end
  peer.finish();
  CHECK(peer.receive_all().empty());
  check_end(connecting, exited(0));
}

TEST_CASE("a peer that has ended while stdin is silent is told of once, with the way out") {
  PeerListener listener;
  Process connecting(sockx({"connect", "127.0.0.1", listener.port()}), {Stdio::pipe()});
  auto peer = listener.accept();
  peer.finish();
  CHECK(contains(connecting.err_line("warning"), "--until peer"));
  connecting.close_input();
  check_end(connecting, exited(0));
  CHECK(lines_of(connecting.err()).size() == 1);
}

TEST_CASE("the end of the peer is at once the end of stdout for the reader behind it") {
  PeerListener listener;
  Process connecting(sockx({"connect", "127.0.0.1", listener.port()}), {Stdio::pipe()});
  auto peer = listener.accept();
  peer.send("last words\n");
  peer.finish();
  CHECK(connecting.out_line() == "last words");
  CHECK_THROWS_WITH(connecting.out_line(),
                    doctest::Contains("no line"));  // ended, long before it would be late
  CHECK(connecting.is_running());
  connecting.close_input();
  check_end(connecting, exited(0));
}

TEST_CASE("listen: one conversation, then the port is free for others") {
  Process listening(sockx({"listen", "127.0.0.1", "0"}), {Stdio::pipe()});
  const auto port = port_of(listening);
  auto peer = Peer::connect(port);
  peer.send("hello\n");
  CHECK(listening.out_line() == "hello");
  CHECK_THROWS_WITH(Peer::connect(port), doctest::Contains("Connection refused"));
  listening.close_input();
  peer.finish();
  check_end(listening, exited(0));
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

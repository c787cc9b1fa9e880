// --send-only, --recv-only, --max-bytes, --shutdown: a conversation with less than two whole directions, of
// which the peer still gets everything.
#include "../support/descriptors.hpp"
#include "../support/peer.hpp"
#include "../support/sockx.hpp"
#include "../support/terminal.hpp"
#include "../support/transport.hpp"

namespace test {

namespace {

/// Whether neither a byte nor the end has come.
bool hears_nothing(const Peer& peer) {
  char byte = 0;
  return recv(peer.fd(), &byte, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN;
}

TEST_CASE("our side ends the session while the peer goes on sending: it gets everything, and no reset") {
  const auto question = noise(50'000, 1), answer = noise(4'000'000, 2);
  for (const Transport over : every_transport) {
    for (const auto& command : either_command) {
      for (const auto& words : std::vector<std::vector<std::string>>{{"--send-only"}, {"--until", "local"}}) {
        CAPTURE(over);
        CAPTURE(words);
        Connected both(over, command, words);
        auto& [listener, ours, peer] = both;
        ours.write(question);
        peer.send(answer.substr(0, 1'000'000));
        ours.close_input();
        peer.send(answer.substr(1'000'000));  // much of it when our side has ended
        const auto heard = peer.receive_all();
        CHECK(difference(heard, question) == "");
        peer.close();
        check_end(ours, exited(0));
        if (words.front() == "--send-only") CHECK(ours.out().empty());
        if (words.front() == "--until") CHECK(answer.starts_with(ours.out()));
      }
    }
  }
}

TEST_CASE("--max-bytes: what was read goes to the peer, and then all is over, however much more it sends") {
  const auto question = noise(50'000, 1), answer = noise(1'000'000, 2);
  for (const Transport over : every_transport) {
    for (const auto& command : either_command) {
      for (const std::size_t most : {1000, 0}) {
        CAPTURE(over);
        CAPTURE(most);
        Connected both(over, command, {"--max-bytes", std::to_string(most), "--idle-timeout", "1h"});
        auto& [listener, ours, peer] = both;
        if (most > 0) {
          ours.write(question);
          CHECK(difference(peer.receive(question.size()), question) == "");
          try {
            for (;;) peer.send(answer);
          } catch (const std::system_error& error) {
            CHECK((error.code().value() == ECONNRESET || error.code().value() == EPIPE));
          }
        }
        check_end(ours, exited(0));
        CHECK(difference(ours.out(), answer.substr(0, most)) == "");
        CHECK(ours.err() == "");
      }
    }
  }
}

TEST_CASE("--max-bytes: a peer that stays open is not waited for") {
  for (const Transport over : every_transport) {
    CAPTURE(over);
    Connected both(over, "connect", {"--max-bytes", "5", "--idle-timeout", "1h"});
    both.peer.send("hello");
    check_end(both.ours, exited(0));
    CHECK(both.ours.out() == "hello");
    CHECK(both.ours.err() == "");
    CHECK(both.peer.receive_all().empty());
  }
}

TEST_CASE("a peer that is silent after our end, and stays, is told of once") {
  for (const Transport over : every_transport) {
    for (const bool typed : {false, true}) {
      CAPTURE(over);
      CAPTURE(typed);
      Terminal terminal;
      Connected both(over, "connect", {}, {typed ? terminal.stream() : Stdio::null()});
      if (typed) terminal.type("question\n\004");
      CHECK(both.peer.receive_all() == (typed ? "question\n" : ""));
      CHECK(both.ours.err_line("warning") ==
            "sockx: warning: stdin has ended and " + both.where() +
                " has taken everything, but is silent and has not closed; --eof-timeout bounds the wait");
      both.peer.finish();
      check_end(both.ours, exited(0));
      CHECK(lines_of(both.ours.err()).size() == 1);
    }
  }
}

TEST_CASE("--max-bytes: a peer that ends earlier has said all") {
  for (const Transport over : every_transport) {
    CAPTURE(over);
    Connected both(over, "connect", {"--max-bytes", "1Ki"}, {Stdio::null()});
    both.peer.send("less");
    both.peer.finish();
    CHECK(both.peer.receive_all().empty());
    check_end(both.ours, exited(0));
    CHECK(both.ours.out() == "less");
  }
}

TEST_CASE("--recv-only: stdin is not read, and our half stays open until the peer's end") {
  for (const Transport over : every_transport) {
    for (const auto& command : either_command) {
      CAPTURE(over);
      CAPTURE(command);
      Connected both(over, command, {"--recv-only"});
      auto& [listener, ours, peer] = both;
      ours.write("never read");
      peer.send("line\n");
      CHECK(ours.out_line() == "line");
      CHECK(hears_nothing(peer));
      CHECK(unread(ours.input()) == 10);
      ours.close_input();
      peer.send("another\n");
      CHECK(ours.out_line() == "another");
      CHECK(hears_nothing(peer));
      peer.finish();
      CHECK(peer.receive_all().empty());
      check_end(ours, exited(0));
      CHECK(ours.err() == "");
    }
  }
}

TEST_CASE("--shutdown write: the peer hears our end at once, stdin is not read, and it may still speak") {
  for (const auto& command : either_command) {
    Connected both(Transport::Kind::plain, command, {"--shutdown", "write", "--trace"});
    auto& [listener, ours, peer] = both;
    ours.write("never read");
    CHECK(peer.receive_all().empty());
    CHECK(contains(ours.err_line("shutdown("), ", SHUT_WR) = 0"));
    peer.send("answer");
    peer.finish();
    check_end(ours, exited(0));
    CHECK(ours.out() == "answer");
  }
}

TEST_CASE("--shutdown read: nothing is received, and what we say is sent all the same") {
  for (const auto& command : either_command) {
    Connected both(Transport::Kind::plain, command, {"--shutdown", "read", "--trace"});
    auto& [listener, ours, peer] = both;
    CHECK(contains(ours.err_line("shutdown("), ", SHUT_RD) = 0"));
    CHECK_THROWS_WITH(ours.out_line(), doctest::Contains("no line"));  // stdout has ended
    ours.write("question");
    CHECK(peer.receive(8) == "question");
    CHECK(hears_nothing(peer));
    ours.close_input();
    CHECK(peer.receive_all().empty());
    peer.close();
    check_end(ours, exited(0));
  }
}

TEST_CASE("--shutdown both: that was the conversation") {
  for (const auto& command : either_command) {
    Connected both(Transport::Kind::plain, command, {"--shutdown", "both", "--trace"});
    auto& [listener, ours, peer] = both;
    CHECK(peer.receive_all().empty());
    peer.close();
    check_end(ours, exited(0));
    CHECK(contains(ours.err(), ", SHUT_RDWR) = 0"));
    CHECK(ours.out() == "");
  }
}

TEST_CASE("--idle-timeout bounds the session, and not the time that a silent peer has for its end") {
  for (const Transport over : plain_and_secured) {
    CAPTURE(over);
    Connected both(over, "connect", {"--until", "local", "--idle-timeout", "100ms", "--eof-timeout", "400ms"},
                   {Stdio::null()});
    check_end(both.ours, exited(0));
  }
}

TEST_CASE("connect: what a peer said before it reset is heard, however early the reset comes") {
  for (const Transport over : every_transport) {
    CAPTURE(over);
    for (int i = 0; i < 30; ++i) {
      Connected both(over, "connect", {"--recv-only"}, {Stdio::null()});
      both.peer.send("sorry");
      both.peer.reset();
      check_failure(both.ours, 7, "Connection reset by peer");
      CHECK(both.ours.out() == "sorry");
    }
  }
}

TEST_CASE("status 2: directions that exclude each other") {
  const std::vector<std::vector<std::string>> rows{{"--send-only", "--recv-only"},
                                                   {"--recv-only", "--line", "x"},
                                                   {"--recv-only", "--until", "local"},
                                                   {"--shutdown", "sideways"},
                                                   {"--sh", "cat", "--send-only"},
                                                   {"--send-only", "--max-bytes", "2"},
                                                   {"--send-only", "--tee-in", "/no/such/file"},
                                                   {"--send-only", "--shutdown", "write"},
                                                   {"--recv-only", "--crlf"},
                                                   {"--recv-once", "6", "--max-bytes", "2"},
                                                   {"--shutdown", "write", "--line", "x"},
                                                   {"--shutdown", "read", "--max-bytes", "3"},
                                                   {"--shutdown", "read", "--until", "peer"}};
  for (const auto& words : rows) {
    Process process(sockx({"connect", "127.0.0.1", "80"}) + words);
    check_failure(process, 2, words.front());
  }
}

}  // namespace

}  // namespace test

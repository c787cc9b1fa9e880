// sockx relay: how it ends, with which status, and what the ends see of it.
#include "../support/relay_ends.hpp"

#include <signal.h>

namespace test {

namespace {

using Words = std::vector<std::string>;

/// The last line on standard error, which tells the failure.
void check_said(Process& process, int status, const std::string& words) {
  check_end(process, exited(status));
  const auto lines = lines_of(process.err());
  REQUIRE(!lines.empty());
  CHECK_MESSAGE(contains(lines.back(), words), process.err());
}

TEST_CASE("relay: the status tells the cause") {
  const Folder folder;
  HeldPort nobody;
  PeerListener target;
  const auto refused = "127.0.0.1:" + nobody.port(), there = "127.0.0.1:" + target.port();
  const auto check = [](const Words& words, int status, const std::string& said) {
    Process relay(sockx({"relay"}) + words);
    check_failure(relay, status, said);
  };
  check({"-", refused}, 4, "Connection refused");
  check({refused, "sh:cat"}, 4, "Connection refused");
  check({"-", "unix:" + (folder / "nothing")}, 4, folder / "nothing");
  check({"-", "no-such-host.invalid:80"}, 3, "no-such-host.invalid");
  check({"file:" + (folder / "nothing"), there}, 11, "No such file");
  check({"file:" + folder.path(), there}, 11, "Is a directory");
  check({"-", "file:" + (folder / "no/such/folder")}, 11, "No such file");
  check({"-", "append:" + folder.path()}, 11, "Is a directory");
  check({"sh:exit 3", "-"}, 1, "sh exited with status 3");
  check({"-", "exec", "--", "false"}, 1, "false exited with status 1");
  check({"-", "exec", "--", folder / "no-program"}, 11, "no-program: No such file");
  check({"--accept-timeout", "50ms", "listen:127.0.0.1:0", there}, 5, "");
  check({"--accept-timeout", "50ms", "-", "listen:127.0.0.1:0"}, 5, "");
  check({"--deadline", "50ms", "listen:127.0.0.1:0", there}, 5, "");
}

TEST_CASE("relay: what cannot be opened resets the connection that was there") {
  HeldPort nobody;
  Process relay(sockx({"-v", "relay", "listen:127.0.0.1:0", "127.0.0.1:" + nobody.port()}));
  auto client = connect_to(address_of(relay, "127.0.0.1"));
  CHECK(client.ends_by_reset());
  check_said(relay, 4, "Connection refused");
}

TEST_CASE("relay: the failure of either end is a reset of the other, and status 7") {
  Authority authority("the authority");
  for (const bool first_fails : {true, false}) {
    CAPTURE(first_fails);
    Relayed pair("tcp", "listen", authority);
    auto &failing = first_fails ? *pair.a : *pair.b, &other = first_fails ? *pair.b : *pair.a;
    failing.send("half");
    CHECK(other.receive(4) == "half");
    failing.reset();
    CHECK(other.ends_by_reset());
    check_said(*pair.process, 7, "Connection reset");
  }
}

TEST_CASE("relay: a program that fails after its client has ended is status 1") {
  Process relay(sockx({"-v", "relay", "listen:127.0.0.1:0", "sh:cat; exit 4"}));
  auto client = connect_to(address_of(relay, "127.0.0.1"));
  client.send("all of it");
  client.finish();
  CHECK(client.receive_all() == "all of it");
  client.close();
  check_said(relay, 1, "sh exited with status 4");
}

TEST_CASE("relay --until: the end that is named ends the session") {
  Authority authority("the authority");
  const auto ended_by = [&](const std::string& until, bool first_ends) {
    CAPTURE(until);
    CAPTURE(first_ends);
    Relayed pair("tcp", "tcp", authority, {"--until", until});
    auto &ending = first_ends ? *pair.a : *pair.b, &other = first_ends ? *pair.b : *pair.a;
    ending.send("last words");
    ending.finish();
    CHECK(other.receive_all() == "last words");
    const bool is_over = until == "either" || (until == "a") == first_ends;
    if (until == "both" || !is_over) {
      other.send("answer");  // the other direction still goes
      CHECK(ending.receive(6) == "answer");
      other.finish();
    }
    CHECK(ending.receive_all() == "");
    ending.close();
    other.close();
    check_end(*pair.process, exited(0));
  };
  for (const std::string until : {"both", "a", "b", "either"}) {
    ended_by(until, true);
    ended_by(until, false);
  }
}

TEST_CASE("relay: limits of time end it with status 5 and a reset of both") {
  Authority authority("the authority");
  {
    Relayed pair("tcp", "tcp", authority, {"--idle-timeout", "100ms"});
    CHECK(pair.a->ends_by_reset());
    CHECK(pair.b->ends_by_reset());
    check_said(*pair.process, 5, "no byte in either direction for 0.1 s");
  }
  {
    Relayed pair("tcp", "tcp", authority, {"--eof-timeout", "100ms"});
    pair.a->finish();
    CHECK(pair.b->receive_all() == "");
    CHECK(pair.a->ends_by_reset());
    check_said(*pair.process, 5, "has not ended 0.1 s after");
  }
  Relayed pair("tcp", "tcp", authority, {"--deadline", "500ms"});
  CHECK(pair.a->ends_by_reset());
  CHECK(pair.b->ends_by_reset());
  check_said(*pair.process, 5, "");
}

TEST_CASE("relay: SIGTERM in the middle resets what was cut off, and ends by the signal") {
  Authority authority("the authority");
  Relayed pair("tcp", "tcp", authority);
  pair.a->send("x");
  CHECK(pair.b->receive(1) == "x");
  pair.process->signal(SIGTERM);
  CHECK(pair.a->ends_by_reset());
  CHECK(pair.b->ends_by_reset());
  check_end(*pair.process, killed_by(SIGTERM));
}

TEST_CASE("relay: SIGTERM while silent standard input has all been sent is an end, and leaves no program") {
  Authority authority("the authority");
  PeerListener target;
  Process relay(sockx({"relay", "-", "127.0.0.1:" + target.port()}), {.in = Stdio::pipe()});
  auto far = target.accept();
  relay.write("all there is");
  CHECK(far.receive(12) == "all there is");
  relay.signal(SIGTERM);
  CHECK(far.receive_all() == "");
  check_end(relay, killed_by(SIGTERM));

  Relayed pair("tcp", "sh", authority);
  pair.a->send("x");
  CHECK(pair.b->receive(1) == "x");
  pair.process->signal(SIGTERM);
  CHECK(pair.a->ends_by_reset());
  check_end(*pair.process, killed_by(SIGTERM));
  CHECK_FALSE(pair.process->left_others());
}

TEST_CASE("relay: what happens to the bytes: --crlf, --hexdump, --tee-a, --tee-b and --rate") {
  const Folder folder;
  PeerListener target;
  Process relay(sockx({"relay", "--crlf", "--hexdump=" + (folder / "dump"), "--tee-a", folder / "a",
                       "--tee-b", folder / "b", "--rate", "1Mi", "-", "127.0.0.1:" + target.port()}),
                {.in = Stdio::pipe()});
  auto far = target.accept();
  relay.feed("one\ntwo\n");
  CHECK(far.receive_all() == "one\r\ntwo\r\n");
  far.send("bare\n");
  far.finish();
  check_end(relay, exited(0));
  CHECK(relay.out() == "bare\n");
  CHECK(read_file(folder / "a") == "one\r\ntwo\r\n");
  CHECK(read_file(folder / "b") == "bare\n");
  const auto rows = lines_of(read_file(folder / "dump"));
  REQUIRE(rows.size() == 2);
  CHECK(contains(rows[0], " > 00000000  6f 6e 65 0d 0a"));
  CHECK(contains(rows[1], " < 00000000  62 61 72 65 0a"));
}

}  // namespace

}  // namespace test

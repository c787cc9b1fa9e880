// udp --listen with --allow, --deny and their files: whose datagrams are received.
#include <signal.h>
#include <sys/un.h>

#include "../support/datagram_peer.hpp"
#include "../support/events.hpp"
#include "../support/namespace.hpp"

namespace test {

namespace {

std::vector<json> events_of(Process& listener, const std::string& name) {
  std::vector<json> found;
  for (const auto& event : events_in(listener.err()))
    if (event.at("event") == name) found.push_back(event);
  return found;
}

json stopped(Process& listener) {
  listener.signal(SIGTERM);
  check_end(listener, killed_by(SIGTERM));
  return event_of(events_in(listener.err()), "finished");
}

/// One datagram to the listener and back; by it the listener has also seen what was sent to it before.
void check_echo(DatagramPeer& peer, const std::string& port) {
  peer.send("ping", port);
  CHECK(peer.receive().bytes == "ping");
}

}  // namespace

TEST_SUITE("udp: access") {
  TEST_CASE("udp access: a denied peer is not heard and not answered, and is told of once") {
    UdpListener listener({"--json", "-v", "--handler", "echo", "--deny", "127.0.0.0/8"});
    DatagramPeer denied, other_denied, served(AF_INET6);
    for (int i = 0; i < 50; ++i) denied.send("x", listener.port());
    other_denied.send("x", listener.port());
    check_echo(served, listener.port());
    const auto finished = stopped(listener.process());
    CHECK_FALSE(denied.has_more());
    CHECK(finished["received"] == 1);
    CHECK(finished["refused"] == 51);
    const auto refused = events_of(listener.process(), "refused");
    REQUIRE(refused.size() == 2);
    CHECK(refused[0]["peer"] == "127.0.0.1:" + denied.port());
    CHECK(refused[0]["reason"] == "denied by 127.0.0.0/8");
    CHECK(refused[1]["peer"] == "127.0.0.1:" + other_denied.port());
    CHECK(contains(listener.process().err(), "was turned away: denied by 127.0.0.0/8"));
  }

  TEST_CASE("udp access: where somebody is allowed, all others are not") {
    UdpListener listener({"--json", "--handler", "echo", "--allow", "192.0.2.1,::1"});
    DatagramPeer refused, served(AF_INET6);
    refused.send("x", listener.port());
    check_echo(served, listener.port());
    CHECK(stopped(listener.process())["refused"] == 1);
    CHECK(events_of(listener.process(), "refused").at(0)["reason"] == "no rule allows it");
    CHECK_FALSE(refused.has_more());
  }

  TEST_CASE("udp access: what is refused is not shown, does not count, and is not who is answered") {
    UdpListener listener({"--deny", "127.0.0.0/8", "--datagrams", "2", "--format", "line"});
    DatagramPeer served(AF_INET6), refused;
    served.send("one", listener.port());
    listener.process().out_line("one");
    for (int i = 0; i < 5; ++i) refused.send("not this", listener.port());
    listener.process().write("answer\n");
    CHECK(served.receive().bytes == "answer\n");
    served.send("two", listener.port());
    check_end(listener.process(), exited(0));
    CHECK(listener.process().out() == "one\ntwo\n");
    CHECK_FALSE(refused.has_more());
  }

  TEST_CASE("udp access: what is refused does not put the idle timeout off") {
    UdpListener listener({"--deny", "127.0.0.0/8", "--idle-timeout", "1s"});
    DatagramPeer refused;
    eventually("the listener gives up", [&] {
      refused.send("x", listener.port());
      return !listener.process().is_running();
    });
    check_failure(listener.process(), 5, "no byte");
  }

  TEST_CASE("udp access: the files are read again at SIGHUP, and a bad one leaves the rules as they are") {
    const Folder folder;
    const auto rules = folder / "rules";
    write_file(rules, "# nobody yet\n");
    UdpListener listener({"--json", "-v", "--handler", "echo", "--deny-file", rules});
    DatagramPeer peer, other(AF_INET6);
    check_echo(peer, listener.port());
    write_file(rules, "127.0.0.1\n");
    listener.process().signal(SIGHUP);
    listener.process().err_line("\"reloaded\"");
    peer.send("x", listener.port());
    check_echo(other, listener.port());
    CHECK_FALSE(peer.has_more());
    write_file(rules, "not/a/rule\n");
    listener.process().signal(SIGHUP);
    listener.process().err_line("stay in force");
    peer.send("x", listener.port());
    check_echo(other, listener.port());
    CHECK_FALSE(peer.has_more());
    CHECK(stopped(listener.process())["refused"] == 2);
  }

  TEST_CASE("udp access: peers of a unix socket are known by their user") {
    const Folder folder;
    const auto path = folder / "socket", user = std::to_string(getuid());
    for (const std::string rule : {"--allow", "--deny"}) {
      CAPTURE(rule);
      Process listener(
          sockx({"--json", "udp", "--listen", "--handler", "echo", rule, "uid:" + user, "unix:" + path}));
      listener.err_line("\"listening\"");
      Process client(sockx({"udp", "unix:" + path, "--expect", "1", "--reply-timeout",
                            rule == "--allow" ? "60s" : "300ms"}),
                     {Stdio::pipe()});
      client.feed("hello\n");
      check_end(client, exited(rule == "--allow" ? 0 : 5));
      CHECK(client.out() == (rule == "--allow" ? "hello\n" : ""));
      const auto finished = stopped(listener);
      CHECK(finished["refused"] == (rule == "--allow" ? 0 : 1));
      if (rule == "--deny") CHECK(events_of(listener, "refused").at(0)["reason"] == "denied by uid:" + user);
    }
  }

  TEST_CASE("udp access: a load of who is not allowed is not measured") {
    UdpListener meter({"--measure", "--deny", "127.0.0.0/8", "--expect", "1", "--json"});
    Process refused(sockx({"udp", "--generate", "100", "--datagrams", "10", "127.0.0.1", meter.port()}));
    check_end(refused, exited(0));
    CHECK(contains(refused.err(), "has not said what it received"));
    Process measured(sockx({"udp", "--generate", "100", "--datagrams", "10", "::1", meter.port()}));
    check_end(measured, exited(0));
    check_end(meter.process(), exited(0));
    CHECK(event_of(events_in(meter.process().out()), "measured")["received"] == 10);
  }

  TEST_CASE("udp access: a flood of forged senders does not flood the log") {
    UdpListener listener({"--json", "-v", "--handler", "echo", "--deny", "127.0.0.0/8"});
    constexpr std::size_t most = 100 + 10 * 60;  // at once, and in a minute
    for (int i = 0; i < 2000; ++i) {
      DatagramPeer peer;  // another port
      peer.send("x", listener.port());
    }
    DatagramPeer served(AF_INET6);
    check_echo(served, listener.port());
    CHECK(stopped(listener.process())["refused"] > 0);
    const auto told = events_of(listener.process(), "refused").size();
    CHECK(told >= 100);
    CHECK(told <= most);
  }
}

}  // namespace test

// sockx udp: groups and broadcasts between two networks of the test's own, joined by a pair of interfaces.
#include "../support/events.hpp"
#include "../support/namespace.hpp"
#include "../support/sockx.hpp"

namespace test {

namespace {

/// Two hosts: the first with 10.9.0.1, 10.9.0.3 and fd00::1 on `east`, the second with 10.9.0.2 and fd00::2
/// on `west`.
class TwoHosts {
 public:
  TwoHosts()
      : net_(
            "mount -t tmpfs none /run; ip netns add second\n"
            "ip link add east type veth peer name west netns second\n"
            "ip addr add 10.9.0.1/24 broadcast + dev east; ip addr add 10.9.0.3/24 dev east\n"
            "ip -6 addr add fd00::1/64 dev east nodad; ip link set east up\n"
            "nsenter --net=/run/netns/second sh -ec '\n"
            "ip link set lo up; ip addr add 10.9.0.2/24 broadcast + dev west\n"
            "ip -6 addr add fd00::2/64 dev west nodad; ip link set west up'") {
    if (!works()) return;
    for (const bool is_second : {false, true})
      eventually("the link is up", [&] {
        const auto addresses = run(on(is_second, {"ip", "-6", "addr", "show"}));
        return contains(addresses, "fe80") && !contains(addresses, "tentative");
      });
  }
  bool works() const { return net_.works(); }
  std::vector<std::string> on_first(const std::vector<std::string>& words) const { return on(false, words); }
  std::vector<std::string> on_second(const std::vector<std::string>& words) const { return on(true, words); }

 private:
  std::vector<std::string> on(bool is_second, const std::vector<std::string>& words) const {
    return net_.within(is_second ? std::vector<std::string>{"nsenter", "--net=/run/netns/second"} + words
                                 : words);
  }
  Namespace net_;
};

std::vector<std::string> udp(const std::vector<std::string>& words) { return sockx({"udp"}) + words; }

std::unique_ptr<Process> hearing(const std::vector<std::string>& command) {
  auto process = std::make_unique<Process>(command);
  process->err_line("\"listening\"");
  return process;
}

/// Words that listen for one datagram and say when they do.
std::vector<std::string> listening(const std::vector<std::string>& words) {
  return sockx({"--json", "udp", "--listen", "--datagrams", "1"}) + words;
}

void send(const TwoHosts& hosts, const std::string& line, const std::vector<std::string>& words) {
  Process process(hosts.on_first(udp({"--reply-timeout", "0"}) + words), {Stdio::pipe()});
  process.feed(line);
  check_end(process, exited(0));
}

}  // namespace

TEST_SUITE("multicast") {
  TEST_CASE("a group of IPv4 and one of IPv6 are heard by who has joined them on the interface") {
    const TwoHosts hosts;
    if (!hosts.works()) return;
    for (const std::string group : {"239.1.2.3", "ff02::1234"}) {
      const bool six = contains(group, ":");
      const auto joined = hearing(hosts.on_second(listening({"--join", group + "%west", "5000"})));
      // Another group on the same port, which hears nothing of the first.
      const auto other = hearing(
          hosts.on_second(listening({"--join", (six ? "ff02::4321%west" : "239.3.2.1%west"), "5000"})));
      send(hosts, "to the group\n",
           {"--mcast-interface", "east", "--mcast-ttl", "3",
            six ? "[" + group + "%east]:5000" : group + ":5000"});
      check_end(*joined, exited(0));
      CHECK(joined->out() == "to the group\n");
      send(hosts, "to the other\n",
           {"--mcast-interface", "east", six ? "[ff02::4321%east]:5000" : "239.3.2.1:5000"});
      check_end(*other, exited(0));
      CHECK(other->out() == "to the other\n");
    }
  }

  TEST_CASE("who is not in --join-source is not heard") {
    const TwoHosts hosts;
    if (!hosts.works()) return;
    const auto joined = hearing(
        hosts.on_second(listening({"--join", "239.1.2.3%west", "--join-source", "10.9.0.3", "5000"})));
    send(hosts, "stranger\n", {"--mcast-interface", "east", "--source", "10.9.0.1", "239.1.2.3:5000"});
    send(hosts, "friend\n", {"--mcast-interface", "east", "--source", "10.9.0.3", "239.1.2.3:5000"});
    check_end(*joined, exited(0));
    CHECK(joined->out() == "friend\n");
  }

  TEST_CASE("--mcast-loop says whether this host hears itself, and members answer a group's sender") {
    const TwoHosts hosts;
    if (!hosts.works()) return;
    const auto joined =
        hearing(hosts.on_first(listening({"--join", "239.1.2.3%east", "--format", "json", "5000"})));
    send(hosts, "silent\n", {"--mcast-interface", "east", "--mcast-loop", "off", "239.1.2.3:5000"});
    send(hosts, "loud\n", {"--mcast-interface", "east", "239.1.2.3:5000"});
    check_end(*joined, exited(0));
    const auto event = events_in(joined->out()).front();
    CHECK(event["text"] == "loud\n");
    CHECK(event["destination"] == "239.1.2.3");
    CHECK(event["ttl"] == 1);
    const auto echo = hearing(hosts.on_second(
        sockx({"--json", "udp", "--listen", "--handler", "echo", "--join", "239.1.2.3%west", "5001"})));
    Process asking(hosts.on_first(udp({"--mcast-interface", "east", "--expect", "1", "239.1.2.3:5001"})),
                   {Stdio::pipe()});
    asking.feed("who?\n");
    check_end(asking, exited(0));
    CHECK(asking.out() == "who?\n");
  }

  TEST_CASE("a broadcast is heard, and needs --broadcast to be sent") {
    const TwoHosts hosts;
    if (!hosts.works()) return;
    const auto listener = hearing(hosts.on_second(listening({"5000"})));
    Process refused(hosts.on_first(udp({"10.9.0.255", "5000"})));
    check_failure(refused, 2, "--broadcast");
    send(hosts, "to all\n", {"--broadcast", "10.9.0.255", "5000"});
    check_end(*listener, exited(0));
    CHECK(listener->out() == "to all\n");
  }
}

}  // namespace test

// sockx udp: groups and broadcasts between two networks of the test's own, joined by a pair of interfaces.
#include "../support/events.hpp"
#include "../support/namespace.hpp"
#include "../support/sockx.hpp"

namespace test {

namespace {

/// Two hosts: the first with 10.9.0.1 and fd00::1 on `east`, the second with 10.9.0.2 and fd00::2 on `west`.
class TwoHosts {
 public:
  TwoHosts()
      : first_(
            "ip link add east type veth peer name west\n"
            "ip addr add 10.9.0.1/24 broadcast + dev east; ip addr add 10.9.0.3/24 dev east\n"
            "ip -6 addr add fd00::1/64 dev east nodad; ip link set east up"),
        second_("true") {
    if (!works()) return;
    const auto second = std::to_string(holder_of(second_));
    run(first_.within({"ip", "link", "set", "west", "netns", second}));
    run(second_.within({"sh", "-ec",
                        "ip addr add 10.9.0.2/24 broadcast + dev west\n"
                        "ip -6 addr add fd00::2/64 dev west nodad; ip link set west up"}));
    for (const auto* const host : {&first_, &second_})
      eventually("the link is up", [&] {
        return contains(run(host->within({"ip", "-6", "addr", "show"})), "fe80") &&
               !contains(run(host->within({"ip", "-6", "addr", "show"})), "tentative");
      });
  }
  bool works() const { return first_.works() && second_.works(); }
  const Namespace& first() const { return first_; }
  const Namespace& second() const { return second_; }

 private:
  static pid_t holder_of(const Namespace& host) {
    return static_cast<pid_t>(std::stol(host.within({}).at(2)));
  }
  Namespace first_, second_;
};

std::unique_ptr<Process> hearing(const Namespace& host, const std::vector<std::string>& words) {
  auto process = std::make_unique<Process>(
      host.within(sockx({"--json", "udp", "--listen", "--datagrams", "1"}) + words));
  process->err_line("\"listening\"");
  return process;
}

void send(const Namespace& host, const std::string& line, const std::vector<std::string>& words) {
  Process process(host.within(sockx({"udp", "--reply-timeout", "0"}) + words), {Stdio::pipe()});
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
      const auto joined = hearing(hosts.second(), {"--join", group + "%west", "5000"});
      // Another group on the same port, which hears nothing of the first.
      const auto other =
          hearing(hosts.second(), {"--join", (six ? "ff02::4321%west" : "239.3.2.1%west"), "5000"});
      send(hosts.first(), "to the group\n",
           {"--mcast-interface", "east", "--mcast-ttl", "3",
            six ? "[" + group + "%east]:5000" : group + ":5000"});
      check_end(*joined, exited(0));
      CHECK(joined->out() == "to the group\n");
      send(hosts.first(), "to the other\n",
           {"--mcast-interface", "east", six ? "[ff02::4321%east]:5000" : "239.3.2.1:5000"});
      check_end(*other, exited(0));
      CHECK(other->out() == "to the other\n");
    }
  }

  TEST_CASE("who is not in --join-source is not heard") {
    const TwoHosts hosts;
    if (!hosts.works()) return;
    const auto joined =
        hearing(hosts.second(), {"--join", "239.1.2.3%west", "--join-source", "10.9.0.3", "5000"});
    send(hosts.first(), "stranger\n",
         {"--mcast-interface", "east", "--source", "10.9.0.1", "239.1.2.3:5000"});
    send(hosts.first(), "friend\n", {"--mcast-interface", "east", "--source", "10.9.0.3", "239.1.2.3:5000"});
    check_end(*joined, exited(0));
    CHECK(joined->out() == "friend\n");
  }

  TEST_CASE("--mcast-loop says whether this host hears itself, and members answer a group's sender") {
    const TwoHosts hosts;
    if (!hosts.works()) return;
    const auto joined = hearing(hosts.first(), {"--join", "239.1.2.3%east", "--format", "json", "5000"});
    send(hosts.first(), "silent\n", {"--mcast-interface", "east", "--mcast-loop", "off", "239.1.2.3:5000"});
    send(hosts.first(), "loud\n", {"--mcast-interface", "east", "239.1.2.3:5000"});
    check_end(*joined, exited(0));
    const auto event = events_in(joined->out()).front();
    CHECK(event["text"] == "loud\n");
    CHECK(event["destination"] == "239.1.2.3");
    CHECK(event["ttl"] == 1);
    const auto echo = std::make_unique<Process>(hosts.second().within(
        sockx({"--json", "udp", "--listen", "--handler", "echo", "--join", "239.1.2.3%west", "5001"})));
    echo->err_line("\"listening\"");
    Process asking(
        hosts.first().within(sockx({"udp", "--mcast-interface", "east", "--expect", "1", "239.1.2.3:5001"})),
        {Stdio::pipe()});
    asking.feed("who?\n");
    check_end(asking, exited(0));
    CHECK(asking.out() == "who?\n");
  }

  TEST_CASE("a broadcast is heard, and needs --broadcast to be sent") {
    const TwoHosts hosts;
    if (!hosts.works()) return;
    const auto listener = hearing(hosts.second(), {"5000"});
    Process refused(hosts.first().within(sockx({"udp", "10.9.0.255", "5000"})));
    check_failure(refused, 2, "--broadcast");
    send(hosts.first(), "to all\n", {"--broadcast", "10.9.0.255", "5000"});
    check_end(*listener, exited(0));
    CHECK(listener->out() == "to all\n");
  }
}

}  // namespace test

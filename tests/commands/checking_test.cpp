// connect --check and --scan: what they say of a port, and the status.
#include <nlohmann/json.hpp>
#include <signal.h>

#include <chrono>

#include "../support/namespace.hpp"
#include "../support/peer.hpp"
#include "../support/sockx.hpp"

namespace test {

namespace {

using Json = nlohmann::json;

std::vector<Json> events_of(const std::string& text, const std::string& name) {
  std::vector<Json> events;
  for (const auto& line : lines_of(text)) {
    auto event = Json::parse(line);
    if (event["event"] == name) events.push_back(std::move(event));
  }
  return events;
}

/// The members beside those that differ from run to run.
Json without_seconds(Json event) {
  CHECK(event["seconds"].is_number());
  event.erase("seconds");
  event.erase("time");
  return event;
}

std::vector<std::string> check(const std::vector<std::string>& words) {
  return sockx({"connect", "--check"}) + words;
}

std::vector<std::string> scan(const std::vector<std::string>& words) {
  return sockx({"connect", "--scan"}) + words;
}

TEST_CASE("--check: an open port is status 0, and the connection is closed at once") {
  PeerListener listener;
  Process process(check({"127.0.0.1", listener.port()}));
  auto peer = listener.accept();
  CHECK(peer.receive_all().empty());
  check_end(process, exited(0));
  CHECK(process.out().starts_with("127.0.0.1:" + listener.port() + " open, "));
  CHECK(process.err().empty());

  Process json(check({"--json", "127.0.0.1", listener.port()}));
  check_end(json, exited(0));
  const auto events = events_of(json.out(), "check");
  REQUIRE(events.size() == 1);
  CHECK(without_seconds(events[0]) == Json{{"event", "check"},
                                           {"address", "127.0.0.1"},
                                           {"port", std::stoi(listener.port())},
                                           {"state", "open"}});
}

TEST_CASE("--scan: one of several ports is open") {
  const HeldPort nobody;
  PeerListener somebody(8);
  Process process(sockx({"connect", "--scan", "127.0.0.1", somebody.port() + "," + nobody.port()}));
  check_failure(process, 4, "1 of 2 ports is open");
}

TEST_CASE("--check: a port where nobody listens is refused, status 4") {
  const HeldPort nobody;
  Process process(check({"127.0.0.1", nobody.port()}));
  check_failure(process, 4, "connect 127.0.0.1:" + nobody.port() + ": Connection refused");
  CHECK(process.out().starts_with("127.0.0.1:" + nobody.port() + " refused: Connection refused, "));

  Process json(check({"--json", "127.0.0.1", nobody.port()}));
  check_end(json, exited(4));
  const auto events = events_of(json.out(), "check");
  REQUIRE(events.size() == 1);
  CHECK(without_seconds(events[0]) == Json{{"event", "check"},
                                           {"address", "127.0.0.1"},
                                           {"port", std::stoi(nobody.port())},
                                           {"state", "refused"},
                                           {"errno", 111},
                                           {"error", "ECONNREFUSED"}});
}

TEST_CASE("--check: a full backlog is a time-out, status 5, over TCP and a unix socket") {
  PeerListener full(0);
  const auto first = Peer::connect(full.port());  // takes the only place
  Process process(check({"--connect-timeout", "50ms", "127.0.0.1", full.port()}));
  check_failure(process, 5, "timed out");
  CHECK(process.out().starts_with("127.0.0.1:" + full.port() + " timed-out: "));

  const Folder folder;
  Process listening(sockx({"listen", "--backlog", "0", "-v", "unix:" + (folder / "socket")}),
                    {Stdio::pipe()});
  listening.err_line("listening on");
  listening.signal(SIGSTOP);  // it takes nobody from its queue
  Process waiting(sockx({"connect", "-v", "unix:" + (folder / "socket")}), {Stdio::pipe()});
  waiting.err_line("has accepted");
  Process unix_socket(check({"--json", "--connect-timeout", "50ms", "unix:" + (folder / "socket")}));
  check_end(unix_socket, exited(5));
  const auto events = events_of(unix_socket.out(), "check");
  REQUIRE(events.size() == 1);
  CHECK(without_seconds(events[0]) == Json{{"event", "check"},
                                           {"address", "unix:" + (folder / "socket")},
                                           {"port", 0},
                                           {"state", "timed-out"},
                                           {"errno", 110},
                                           {"error", "ETIMEDOUT"}});
}

TEST_CASE("--check: unix sockets, open and not there") {
  const Folder folder;
  const auto endpoint = "unix:" + (folder / "socket");
  Process none(check({endpoint}));
  check_failure(none, 4, "No such file");
  CHECK(none.out().starts_with(endpoint + " refused: No such file or directory"));
  Process listening(sockx({"listen", "-v", endpoint}));
  listening.err_line("listening on");
  Process open(check({endpoint}));
  check_end(open, exited(0));
  CHECK(open.out().starts_with(endpoint + " open"));
}

TEST_CASE("--check: without a route, or with one that refuses, it is unreachable, status 6") {
  const Namespace network(
      "ip route add blackhole 192.0.2.0/24; ip route add unreachable 198.51.100.0/24\n"
      "ip route add prohibit 203.0.113.0/25");
  if (!network.works()) return;
  for (const auto* host : {"192.0.2.1", "198.51.100.1", "203.0.113.1", "203.0.113.200", "[2001:db8::1]"}) {
    Process process(network.within(check({std::string(host) + ":80"})));
    check_failure(process, 6, "connect");
    CHECK(process.out().starts_with(std::string(host) + ":80 unreachable: "));
  }
}

TEST_CASE("--check: packets that vanish are a time-out, those that a router sends back are unreachable") {
  // 192.0.2.9 is claimed by a link that answers nobody; what goes to 192.0.2.129 comes back as ICMP.
  const Namespace network(
      "ip link add near type veth peer name far; ip link set near up; ip link set far up\n"
      "ip address add 192.0.2.1/25 dev near\n"
      "ip neighbour add 192.0.2.9 lladdr 02:00:00:00:00:09 dev near");
  if (!network.works()) return;
  Process vanished(network.within(check({"--connect-timeout", "100ms", "192.0.2.9:80"})));
  check_failure(vanished, 5, "timed out");
  CHECK(vanished.out().starts_with("192.0.2.9:80 timed-out: "));
  Process no_neighbour(network.within(check({"--connect-timeout", "20s", "192.0.2.10:80"})));
  check_failure(no_neighbour, 6, "No route to host");  // nobody answers ARP
}

TEST_CASE("--check: with --wait-for it tells once somebody listens, or status 5 and the last state") {
  HeldPort port;
  Process process(check({"-v", "--wait-for", "20s", "--retry-delay", "10ms", "127.0.0.1", port.port()}));
  process.err_line("attempt 2 failed");
  auto peer = port.listen_now().accept();
  check_end(process, exited(0));
  CHECK(process.out().starts_with("127.0.0.1:" + port.port() + " open"));

  const HeldPort nobody;
  Process vain(check({"--retry", "2", "--retry-delay", "1ms", "127.0.0.1", nobody.port()}));
  check_failure(vain, 5, "given up after 3 attempts");
  CHECK(vain.out().starts_with("127.0.0.1:" + nobody.port() + " refused"));
}

TEST_CASE("--check: a name that is not known says nothing of a port, status 3") {
  Process process(check({"--numeric", "localhost", "80"}));
  check_failure(process, 3, "EAI_NONAME");
  CHECK(process.out().empty());
}

TEST_CASE("--quiet --check and --scan print nothing: the status is the answer") {
  PeerListener open;
  const HeldPort closed;
  const Folder folder;
  struct Row {
    std::vector<std::string> words;
    int status;
  };
  for (const auto& [words, status] :
       {Row{{"--check", "127.0.0.1", open.port()}, 0}, Row{{"--check", "127.0.0.1", closed.port()}, 4},
        Row{{"--check", "unix:" + (folder / "none")}, 4}, Row{{"--scan", "127.0.0.1", open.port()}, 0},
        Row{{"--scan", "127.0.0.1", closed.port()}, 4}}) {
    Process asking(sockx({"--quiet", "--events", folder / "events", "connect"}) + words);
    check_end(asking, exited(status));
    CHECK(asking.out() == "");
    CHECK(asking.err() == "");
    CHECK(events_of(read_file(folder / "events"), "error").size() == (status != 0 ? 1 : 0));
  }
  Process nonsense(sockx({"--quiet", "connect", "--check", "nosuch.invalid", "80"}));
  check_failure(nonsense, 3, "getaddrinfo nosuch.invalid");  // that is no answer
}

TEST_CASE("--scan: open ports one by one, the others by their state in ranges") {
  const Namespace network("");
  if (!network.works()) return;
  Process one(network.within(sockx({"listen", "127.0.0.1", "80"})));
  Process other(network.within(sockx({"listen", "127.0.0.1", "22"})));
  port_of(one);
  port_of(other);
  Process some(network.within(scan({"127.0.0.1", "1-100,http,443"})));
  check_failure(some, 4, "scan 127.0.0.1: 2 of 101 ports are open");
  CHECK(some.out() == "127.0.0.1:22 open\n127.0.0.1:80 open\nrefused: 1-21, 23-79, 81-100, 443\n");
}

TEST_CASE("--scan: the status says whether all are open, and with --any whether one is") {
  PeerListener one, two;
  const HeldPort nobody;
  struct Row {
    std::vector<std::string> words;
    int status;
  };
  const std::vector<Row> rows{
      {{"127.0.0.1", one.port() + ',' + two.port()}, 0},
      {{"127.0.0.1:" + one.port()}, 0},
      {{"127.0.0.1", one.port() + ',' + nobody.port()}, 4},
      {{"--any", "127.0.0.1", one.port() + ',' + nobody.port()}, 0},
      {{"--any", "127.0.0.1", nobody.port()}, 4},
  };
  for (const auto& row : rows) {
    Process process(scan(row.words));
    check_end(process, exited(row.status));
    CHECK(lines_of(process.err()).size() == (row.status == 0 ? 0 : 1));
  }
}

TEST_CASE("--scan --json: an event for each port, and one with the counts") {
  PeerListener open;
  const HeldPort nobody;
  PeerListener full(0);
  const auto first = Peer::connect(full.port());
  Process process(scan({"--json", "--connect-timeout", "50ms", "127.0.0.1",
                        open.port() + ',' + nobody.port() + ',' + full.port()}));
  check_end(process, exited(4));
  std::map<int, std::string> states;
  for (const auto& event : events_of(process.out(), "check")) {
    states[event["port"]] = event["state"];
    CHECK(event["address"] == "127.0.0.1");
    CHECK(event.contains("errno") == (event["state"] != "open"));
  }
  CHECK(states == std::map<int, std::string>{{std::stoi(open.port()), "open"},
                                             {std::stoi(nobody.port()), "refused"},
                                             {std::stoi(full.port()), "timed-out"}});
  const auto total = events_of(process.out(), "scan");
  REQUIRE(total.size() == 1);
  CHECK(without_seconds(total[0]) == Json{{"event", "scan"},
                                          {"host", "127.0.0.1"},
                                          {"ports", 3},
                                          {"open", 1},
                                          {"refused", 1},
                                          {"timed_out", 1},
                                          {"unreachable", 0},
                                          {"proxy_refused", 0},
                                          {"failed", 0}});
  CHECK(contains(lines_of(process.out()).back(), "\"scan\""));
}

TEST_CASE("--scan: where nothing answers, as many wait at a time as descriptors allow, and no more fail") {
  const Namespace network(
      "ip link add near type veth peer name far; ip link set near up; ip link set far up\n"
      "ip address add 192.0.2.1/24 dev near\n"
      "ip neighbour add 192.0.2.9 lladdr 02:00:00:00:00:09 dev near");
  if (!network.works()) return;
  for (const std::vector<std::string>& how : {std::vector<std::string>{}, {"--parallel", "1000"}}) {
    Process process(network.within(std::vector<std::string>{"sh", "-c", "ulimit -n 64; exec \"$@\"", "sh"} +
                                   scan({"--connect-timeout", "100ms"}) + how +
                                   std::vector<std::string>{"192.0.2.9", "1-200"}));
    check_failure(process, 4, "none of 200 ports are open");
    CHECK(process.out() == "timed-out: 1-200\n");
  }
}

TEST_CASE("--scan: --parallel bounds how many are tried at a time") {
  PeerListener full(0);
  const auto first = Peer::connect(full.port());
  const auto begun = std::chrono::steady_clock::now();
  Process process(scan({"--parallel", "1", "--connect-timeout", "100ms", "127.0.0.1", full.port() + ",1-3"}));
  check_end(process, exited(4));
  CHECK(std::chrono::steady_clock::now() - begun >= 100ms);
  CHECK(process.out() == "refused: 1-3\ntimed-out: " + full.port() + "\n");
}

TEST_CASE("--scan and --check: a route that refuses is unreachable for each port") {
  const Namespace network("ip route add unreachable 198.51.100.0/24");
  if (!network.works()) return;
  Process process(network.within(scan({"198.51.100.1", "1-10"})));
  check_failure(process, 4, "none of 10 ports are open");
  CHECK(process.out() == "unreachable: 1-10\n");
}

TEST_CASE("--scan and --check: what does not go together is status 2") {
  struct Row {
    std::vector<std::string> words;
    std::string said;
  };
  const std::vector<Row> rows{
      {{"connect", "--scan", "127.0.0.1", "22,90-80"}, "'90-80': the range runs backwards"},
      {{"connect", "--scan", "127.0.0.1", "22,nosuch"}, "'nosuch'"},
      {{"connect", "--scan", "127.0.0.1", "22,"}, "'22,'"},
      {{"connect", "--scan", "127.0.0.1"}, "the ports are missing"},
      {{"connect", "--scan", "unix:/run/x"}, "'unix:/run/x'"},
      {{"connect", "--parallel", "5", "127.0.0.1", "22"}, "--parallel"},
      {{"connect", "--any", "127.0.0.1", "22"}, "--any"},
      {{"connect", "--scan", "--parallel", "0", "127.0.0.1", "22"}, "--parallel"},
      {{"connect", "--scan", "--check", "127.0.0.1", "22"}, "--check"},
      {{"connect", "--scan", "--retry", "2", "127.0.0.1", "22"}, "--scan: each port is tried once"},
      {{"connect", "--check", "fd:3"}, "'fd:3' is connected already"},
      {{"connect", "--check", "--opt", "fastopen_connect=on", "127.0.0.1", "22"}, "'fastopen_connect=on'"},
      {{"connect", "-z", "127.0.0.1", "22"}, "sockx connect --check"},
  };
  for (const auto& row : rows) {
    Process process(sockx(row.words));
    check_failure(process, 2, row.said);
    CHECK(process.out().empty());
  }
}

}  // namespace

}  // namespace test

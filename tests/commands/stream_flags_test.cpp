// --source, --interface and --opt: what the peer, the kernel and the interfaces see of them.
#include <linux/in6.h>
#include <netinet/tcp.h>

#include <map>
#include <tuple>

#include "../support/borrowed_socket.hpp"
#include "../support/namespace.hpp"
#include "../support/peer.hpp"

namespace test {

namespace {

using Words = std::vector<std::string>;

Words with_options(Words words, const Words& settings) {
  for (const auto& setting : settings) words.insert(words.end(), {"--opt", setting});
  return words;
}

int read_back(const UniqueFd& socket, int level, int number) {
  int value = -1;
  socklen_t size = sizeof value;
  REQUIRE(getsockopt(socket.get(), level, number, &value, &size) == 0);
  return value;
}

struct SettingRow {
  std::string setting;
  int level, number, effective;
};

Words settings_of(const std::vector<SettingRow>& rows) {
  Words words;
  for (const auto& row : rows) words.push_back(row.setting);
  return words;
}

void check_options(const UniqueFd& socket, const std::vector<SettingRow>& rows) {
  for (const auto& row : rows) {
    CAPTURE(row.setting);
    CHECK(read_back(socket, row.level, row.number) == row.effective);
  }
}

/// What connections have, dialed or accepted.
const std::vector<SettingRow> stream_rows{
    {"rcvbuf=50000", SOL_SOCKET, SO_RCVBUF, 100000},
    {"sndbuf=50000", SOL_SOCKET, SO_SNDBUF, 100000},
    {"keepalive=on", SOL_SOCKET, SO_KEEPALIVE, 1},
    {"rcvlowat=17", SOL_SOCKET, SO_RCVLOWAT, 17},
    {"max_pacing_rate=1000000", SOL_SOCKET, SO_MAX_PACING_RATE, 1000000},
    {"oobinline=on", SOL_SOCKET, SO_OOBINLINE, 1},
    {"dontroute=on", SOL_SOCKET, SO_DONTROUTE, 1},
    {"zerocopy=on", SOL_SOCKET, SO_ZEROCOPY, 1},
    {"reuseaddr=on", SOL_SOCKET, SO_REUSEADDR, 1},
    {"reuseport=on", SOL_SOCKET, SO_REUSEPORT, 1},
    {"tos=16", IPPROTO_IP, IP_TOS, 16},
    {"ttl=33", IPPROTO_IP, IP_TTL, 33},
    {"ip_mtu_discover=0", IPPROTO_IP, IP_MTU_DISCOVER, 0},
    {"minttl=5", IPPROTO_IP, IP_MINTTL, 5},
    {"ip_freebind=on", IPPROTO_IP, IP_FREEBIND, 1},
    {"nodelay=on", IPPROTO_TCP, TCP_NODELAY, 1},
    {"keepidle=11", IPPROTO_TCP, TCP_KEEPIDLE, 11},
    {"keepintvl=12", IPPROTO_TCP, TCP_KEEPINTVL, 12},
    {"keepcnt=5", IPPROTO_TCP, TCP_KEEPCNT, 5},
    {"user_timeout=12345", IPPROTO_TCP, TCP_USER_TIMEOUT, 12345},
    {"notsent_lowat=16384", IPPROTO_TCP, TCP_NOTSENT_LOWAT, 16384},
    {"linger2=9", IPPROTO_TCP, TCP_LINGER2, 9},
    {"cork=on", IPPROTO_TCP, TCP_CORK, 1},
    {"thin_linear_timeouts=on", IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, 1},
    {"window_clamp=40000", IPPROTO_TCP, TCP_WINDOW_CLAMP, 40000},
};

void check_linger_and_timeouts(const UniqueFd& socket) {
  linger wait{};
  timeval receiving{}, sending{};
  socklen_t size = sizeof wait;
  REQUIRE(getsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &wait, &size) == 0);
  CHECK(wait.l_onoff == 1);
  CHECK(wait.l_linger == 7);
  size = sizeof receiving;
  REQUIRE(getsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &receiving, &size) == 0);
  REQUIRE(getsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &sending, &size) == 0);
  CHECK(receiving.tv_sec == 2);
  CHECK(sending.tv_sec == 60);
}

const Words linger_and_timeouts{"linger=on,7", "rcvtimeo=2s", "sndtimeo=1m"};

TEST_CASE("--opt: a connection that was dialed has them all") {
  PeerListener listener;
  auto rows = stream_rows;
  rows.insert(rows.end(), {{"priority=3", SOL_SOCKET, SO_PRIORITY, 3},  // after IP_TOS, which sets it
                           {"syncnt=4", IPPROTO_TCP, TCP_SYNCNT, 4},
                           {"fastopen_connect=off", IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 0},
                           {"bind_address_no_port=on", IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1}});
  const auto words = with_options(sockx({"connect", "-v", "127.0.0.1", listener.port()}), settings_of(rows));
  Process process(with_options(words, linger_and_timeouts), {Stdio::pipe()});
  process.err_line("has accepted");
  const auto socket = borrow_socket(process, false);
  check_options(socket, rows);
  check_linger_and_timeouts(socket);
}

TEST_CASE("--opt: a listener has them, and a connection that it has accepted") {
  auto words = with_options(sockx({"listen", "127.0.0.1", "0"}), settings_of(stream_rows));
  words = with_options(words, linger_and_timeouts);
  Process process(with_options(words, {"fastopen=5", "defer_accept=1"}), {Stdio::pipe()});
  const auto port = port_of(process);
  {
    const auto listener = borrow_socket(process, true);
    check_options(listener, stream_rows);
    check_options(listener, {{"", IPPROTO_TCP, TCP_FASTOPEN, 5}, {"", IPPROTO_TCP, TCP_DEFER_ACCEPT, 1}});
  }
  auto client = Peer::connect(port);
  client.send("hello, with enough bytes to reach the low-water mark\n");
  process.out_line("hello");
  const auto accepted = borrow_socket(process, false);
  check_options(accepted, stream_rows);
  check_linger_and_timeouts(accepted);
}

TEST_CASE("--opt TCP_CONGESTION: a connection between two ends on this host keeps what was asked for") {
  if (!contains(read_file("/proc/sys/net/ipv4/tcp_available_congestion_control"), "cubic")) return;
  Process listening(sockx({"listen", "--trace", "--opt", "congestion=cubic", "127.0.0.1", "0"}));
  Process connecting(
      sockx({"connect", "--trace", "--opt", "congestion=cubic", "127.0.0.1", port_of(listening)}));
  for (auto* const process : {&connecting, &listening}) {
    check_end(*process, exited(0));
    CHECK(contains(process->err(), "TCP_CONGESTION, cubic) = 0"));
    CHECK_FALSE(contains(process->err(), "TCP_CONGESTION, reno"));
  }
}

TEST_CASE("--opt: IPv6 has its own, and takes those of IPv4 that the kernel takes") {
  const std::vector<SettingRow> rows{
      {"tclass=32", IPPROTO_IPV6, IPV6_TCLASS, 32},
      {"unicast_hops=44", IPPROTO_IPV6, IPV6_UNICAST_HOPS, 44},
      {"ipv6_mtu_discover=0", IPPROTO_IPV6, IPV6_MTU_DISCOVER, 0},
      {"minhopcount=3", IPPROTO_IPV6, IPV6_MINHOPCOUNT, 3},
      {"ipv6_freebind=on", IPPROTO_IPV6, IPV6_FREEBIND, 1},
      {"autoflowlabel=off", IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, 0},
      {"ttl=33", IPPROTO_IP, IP_TTL, 33},
  };
  Process process(with_options(sockx({"listen", "::1", "0"}), settings_of(rows)));
  port_of(process);
  check_options(borrow_socket(process, true), rows);
}

TEST_CASE("--opt: in a race only the addresses that have the option are used") {
  const Folder folder;
  write_file(folder / "hosts", "127.0.0.1 both\n::1 both\n127.0.0.2 four\n127.0.0.3 four\n");
  const Namespace network("mount --bind " + (folder / "hosts") + " /etc/hosts");
  if (!network.works()) return;
  Process listening(network.within(sockx({"listen", "0"})));
  const auto port = port_of(listening);
  Process none(network.within(sockx({"connect", "--opt", "tclass=32", "four", port})));
  check_failure(none, 2, "'tclass=32': an IPv4 socket has no IPV6_TCLASS");
  Process one(network.within(sockx({"connect", "-v", "--opt", "tclass=32", "both", port})));
  check_end(one, exited(0));
  CHECK(contains(one.err(), "[::1]:" + port + " has accepted"));
}

TEST_CASE("--opt, --source, --interface, --mptcp: what is wrong is status 2 and quoted") {
  int ends[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  const UniqueFd ours(ends[0]), theirs(ends[1]);
  const auto inherited = "fd:" + std::to_string(ours.get());
  struct Wrong {
    Words words;
    std::string said;
  };
  const std::vector<Wrong> rows{
      {{"connect", "--opt", "defer_accept=3", "127.0.0.1:80"}, "'defer_accept=3'"},
      {{"listen", "--opt", "fastopen_connect=on", "0"}, "'fastopen_connect=on'"},
      {{"recv-file", "--discard", "--opt", "syncnt=2", "0"}, "'syncnt=2'"},
      {{"connect", "--opt", "rcvbuf=4096", inherited}, "'rcvbuf=4096'"},
      {{"connect", "--opt", "nodelay=on", inherited}, "'nodelay=on': a unix socket has no TCP_NODELAY"},
      {{"connect", "--opt", "nodelay=on", "unix:/run/x"}, "'nodelay=on': a unix socket has no TCP_NODELAY"},
      {{"listen", "--opt", "ttl=3", "unix:@x"}, "'ttl=3': a unix socket has no IP_TTL"},
      {{"connect", "--opt", "tclass=3", "127.0.0.1:80"}, "'tclass=3': an IPv4 socket has no IPV6_TCLASS"},
      {{"connect", "--opt", "nodely=on", "127.0.0.1:80"},
       "'nodely': no such socket option; did you mean NODELAY?"},
      {{"connect", "--opt", "linger=5", "127.0.0.1:80"}, "'linger=5': SO_LINGER takes on,SECONDS or off"},
      {{"connect", "--opt", "freebind=on", "127.0.0.1:80"}, "'freebind': say IP_FREEBIND or IPV6_FREEBIND"},
      {{"connect", "--opt", "ttl=999", "127.0.0.1:80"}, "'ttl=999': the kernel refuses this value"},
      {{"listen", "--rate", "0", "0"}, "--rate: '0'"},
      {{"connect", "--source", "8080", "127.0.0.1:80"}, "--source: '8080': a source is"},
      {{"connect", "--source", "::1", "127.0.0.1:80"}, "--source: '::1': '127.0.0.1:80' has no address"},
      {{"connect", "--source", "127.0.0.1", "unix:/run/x"}, "'unix:/run/x'"},
      {{"listen", "--source", "127.0.0.1", "127.0.0.2", "0"}, "'127.0.0.1': where to listen is said already"},
      {{"listen", "--source", "127.0.0.1:80", "0"}, "say --source ADDRESS 0"},
      {{"connect", "--interface", "nosuch0", "127.0.0.1:80"},
       "'nosuch0': no such network interface; there are "},
      {{"listen", "--interface", "nosuch0", "0"}, "'nosuch0': no such network interface; there are "},
      {{"connect", "--interface", "lo", "unix:/run/x"}, "--interface: 'unix:/run/x'"},
      {{"listen", "--interface", "lo", "unix:@x"}, "--interface: 'unix:@x'"},
      {{"connect", "--mptcp", "unix:/run/x"}, "--mptcp: 'unix:/run/x'"},
      {{"connect", "--mptcp", inherited}, "--mptcp: '" + inherited},
  };
  for (const auto& row : rows) {
    Process process(sockx(row.words), {.inherited = {ours.get()}});
    check_failure(process, 2, row.said);
  }
}

TEST_CASE("--rate: TCP is told the pace of what is ours, unless --opt says another, and others are not") {
  const Folder folder;
  const auto file = write_file(folder / "file", "content");
  const auto pacing_of = [](const Process& process) {
    std::string found;
    for (const auto& line : lines_of(process.err()))
      if (contains(line, "SO_MAX_PACING_RATE")) found += line.substr(line.find("SO_MAX")) + '\n';
    return found;
  };
  const std::string own = "SO_MAX_PACING_RATE, 5000000) = 0\n";
  PeerListener listener;
  const Words call{"127.0.0.1", listener.port()};
  const Words rate{"--trace", "--rate", "5M"};
  for (const auto& [words, expected] : {std::pair{sockx({"connect"}) + rate + call, own},
                                        {sockx({"send-file", file}) + rate + call, own},
                                        {sockx({"connect", "--opt", "max_pacing_rate=70000"}) + rate + call,
                                         std::string("SO_MAX_PACING_RATE, 70000) = 0\n")}}) {
    Process process(words);
    auto peer = listener.accept();
    peer.receive_all();
    peer.close();
    check_end(process, exited(0));
    CHECK(pacing_of(process) == expected);
  }
  for (const auto& words : {sockx({"listen"}), sockx({"send-file", "--listen", file})}) {
    Process process(words + rate + Words{"127.0.0.1:0"});
    auto peer = Peer::connect(port_of(process));
    peer.receive_all();
    peer.close();
    check_end(process, exited(0));
    CHECK(pacing_of(process) == own);
  }
  const auto dialed = Peer::connect(listener.port());
  auto peer = listener.accept();
  peer.finish();
  Process adopting(sockx({"connect", "fd:" + std::to_string(dialed.fd())}) + rate,
                   {.inherited = {dialed.fd()}});
  check_end(adopting, exited(0));
  CHECK(pacing_of(adopting) == "");
  Process receiver(sockx({"recv-file", "--verified", "--output-dir", folder.path(), "127.0.0.1:0"}));
  Process lanes(sockx({"send-file", "--verified", "--streams", "3", "--name", "copy", file}) + rate +
                Words{"127.0.0.1:" + port_of(receiver)});
  check_end(lanes, exited(0));
  CHECK(pacing_of(lanes) == own + own + own);
  Process unix_socket(sockx({"listen"}) + rate + Words{"unix:" + (folder / "socket")});
  wait_for_listener(folder / "socket");
  run(sockx({"connect", "unix:" + (folder / "socket")}));
  check_end(unix_socket, exited(0));
  CHECK(pacing_of(unix_socket) == "");
}

TEST_CASE("--source: the peer sees the address, the port or both, from connect and from send-file") {
  const Folder folder;
  write_file(folder / "file", "content");
  const Words file{"--no-progress", folder / "file"};
  for (const auto& command : {sockx({"connect"}), sockx({"send-file"}) + file}) {
    const std::string free = HeldPort().port();
    for (const auto& [source, seen] : {std::pair<std::string, std::string>{"127.0.0.9", "127.0.0.9:"},
                                       {":" + free, "127.0.0.1:" + free},
                                       {"127.0.0.9:" + free, "127.0.0.9:" + free}}) {
      Process listening(sockx({"listen", "--json", "127.0.0.1", "0"}));
      const auto port = port_of(listening);
      Process dialing(command + Words{"127.0.0.1:" + port, "--source", source});
      check_end(dialing, exited(0));
      check_end(listening, exited(0));
      CHECK(contains(listening.err(), "\"peer\":\"" + seen));
    }
  }
}

TEST_CASE("--source: an address that is not ours cannot be bound, status 8") {
  PeerListener listener;
  Process process(sockx({"connect", "--source", "192.0.2.1", "127.0.0.1", listener.port()}));
  check_failure(process, 8, "bind 192.0.2.1:0: Cannot assign requested address");
}

TEST_CASE("--source: calling the own port is refused, by connect, --check and --scan") {
  const std::string port = HeldPort().port();
  const Words from_itself{"--source", "127.0.0.1:" + port, "127.0.0.1", port};
  Process connecting(sockx({"connect"}) + from_itself);
  check_failure(connecting, 4, "connect 127.0.0.1:" + port + ": Connection refused");
  Process checking(sockx({"connect", "--check"}) + from_itself);
  check_failure(checking, 4, "Connection refused");
  Process scanning(sockx({"connect", "--scan"}) + from_itself);
  check_failure(scanning, 4, "none of 1 port is open");
  CHECK(scanning.out() == "refused: " + port + '\n');
}

TEST_CASE("--source: where to listen, for listen and recv-file") {
  for (const auto* command : {"listen", "recv-file"}) {
    Process process(sockx({command, "-v", "--source", "127.0.0.9", "0"}));
    process.err_line("listening on 127.0.0.9:");
  }
}

/// Packets that have left by an interface, in the namespace.
long sent_by(const Namespace& network, const std::string& interface) {
  for (const auto& line : lines_of(run(network.within({"cat", "/proc/net/dev"})))) {
    std::istringstream words(line);
    std::string name;
    long numbers[10] = {};
    words >> name;
    for (auto& number : numbers) words >> number;
    if (name == interface + ':') return numbers[9];
  }
  FAIL("no interface ", interface);
  return 0;
}

TEST_CASE("--interface: of two ways to a host the one that was asked for is used, and no other") {
  const Namespace network(
      "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6\n"
      "for i in 1 2; do ip link add near$i type veth peer name far$i\n"
      "ip link set near$i up; ip link set far$i up; ip address add 192.0.2.$i/32 dev near$i\n"
      "ip route add 198.51.100.0/24 dev near$i metric $i\n"
      "ip neighbour add 198.51.100.9 lladdr 02:00:00:00:00:09 dev near$i; done");
  if (!network.works()) return;
  for (const auto& [asked, other] :
       {std::pair<std::string, std::string>{"near1", "near2"}, {"near2", "near1"}}) {
    const auto before = sent_by(network, asked), before_other = sent_by(network, other);
    Process process(network.within(sockx(
        {"connect", "--check", "--connect-timeout", "50ms", "--interface", asked, "198.51.100.9", "80"})));
    check_failure(process, 5, "timed out");
    CHECK(sent_by(network, asked) > before);
    CHECK(sent_by(network, other) == before_other);
  }
  // What goes from this host to itself counts as the interface that has the address.
  Process bound(network.within(sockx({"listen", "--interface", "near1", "0"})));
  const auto port = port_of(bound);
  Process by_the_other(network.within(sockx({"connect", "192.0.2.2", port})));
  check_failure(by_the_other, 4, "Connection refused");
  Process by_this(network.within(sockx({"connect", "192.0.2.1", port})));
  check_end(by_this, exited(0));
  check_end(bound, exited(0));
}

}  // namespace

}  // namespace test

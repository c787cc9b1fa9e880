// sockx sockopt against sockets of its own, of python3 programs, and against python3's own getsockopt().
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <map>

#include "../../support/descriptors.hpp"
#include "../../support/events.hpp"
#include "../../support/namespace.hpp"
#include "../../support/peer.hpp"
#include "../../support/sockx.hpp"
#include "net/address/address.hpp"
#include "net/option/socket_option.hpp"

namespace test {

namespace {

/// The events of a run that succeeds.
std::vector<json> events_of(std::vector<std::string> words, const Process::Options& options = {}) {
  words.insert(words.begin(), {"--json", "sockopt"});
  return events_in(run(sockx(std::move(words)), options));
}

/// By the names of their options.
std::map<std::string, json> by_name(const std::vector<json>& events) {
  std::map<std::string, json> found;
  for (const auto& event : events) found[event.at("name")] = event;
  return found;
}

void check_refused(std::vector<std::string> words, int status, const std::string& message) {
  words.insert(words.begin(), "sockopt");
  Process process(sockx(std::move(words)));
  check_failure(process, status, message);
}

/// A python program with the socket module, which prints its own words one by one and obeys those it reads.
class Python {
 public:
  explicit Python(const std::string& program)
      : process_({"python3", "-u", "-c", program}, {.in = Stdio::pipe()}) {}
  Process& process() { return process_; }
  std::string pid() const { return std::to_string(process_.pid()); }

 private:
  Process process_;
};

/// Waits until the process sleeps in the system call of that number.
void wait_until_blocked(const Process& process, long call) {
  const auto path = "/proc/" + std::to_string(process.pid()) + "/syscall";
  eventually("the process blocks", [&] {
    std::ifstream file(path);
    long number = -1;
    return file >> number && number == call;
  });
}

}  // namespace

TEST_CASE("sockopt list: every row of the table, with what a new socket has") {
  const auto listed = by_name(events_of({"list"}));
  CHECK(listed.size() == sockx::socket_options().size());
  for (const auto& option : sockx::socket_options()) {
    const std::string name(option.name);
    CAPTURE(name);
    REQUIRE(listed.contains(name));
    CHECK(listed.at(name).at("meaning") == option.help);
    CHECK(listed.at(name).at("level") == sockx::level_name(option.level));
    CHECK(listed.at(name).at("type") == sockx::name_of(option.type));
  }
  CHECK(listed.at("SO_TYPE").at("default") == SOCK_STREAM);
  CHECK(listed.at("SO_TYPE").at("access") == "read");
  CHECK(listed.at("SO_KEEPALIVE").at("default") == false);
  CHECK(listed.at("SO_KEEPALIVE").at("access") == "both");
  CHECK(listed.at("IP_TTL").at("default") == 64);
  CHECK(listed.at("SO_RCVTIMEO").at("default") == 0.0);
  CHECK_FALSE(listed.at("IPV6_V6ONLY").contains("default"));
  CHECK_FALSE(listed.at("IP_ADD_MEMBERSHIP").contains("default"));
}

TEST_CASE("sockopt list: family, type and protocol decide which options a socket has") {
  const auto has = [](const std::vector<std::string>& words, const std::string& name) {
    return by_name(events_of(std::vector<std::string>{"list"} + words)).at(name).contains("default");
  };
  CHECK(has({"--family", "inet6"}, "IPV6_V6ONLY"));
  CHECK_FALSE(has({"--family", "AF_UNIX"}, "IP_TTL"));
  CHECK(has({"--family", "unix", "--type", "seqpacket"}, "SO_PASSCRED"));
  CHECK(has({"--type", "dgram"}, "UDP_SEGMENT"));
  CHECK_FALSE(has({"--type", "dgram"}, "TCP_NODELAY"));
  CHECK(has({"--protocol", "mptcp"}, "TCP_NODELAY"));
}

TEST_CASE("sockopt list: text in columns, a dash where this socket has no such option") {
  const auto lines = lines_of(run(sockx({"sockopt", "list"})));
  REQUIRE(lines.size() == sockx::socket_options().size() + 1);
  CHECK(lines.front().starts_with("name "));
  for (const auto& line : lines) {
    std::istringstream words(line);
    std::string name, level, type, access, value;
    words >> name >> level >> type >> access >> value;
    if (name == "SO_LINGER") CHECK(value == "off");
    if (name == "SO_BINDTODEVICE") CHECK(value == "''");
    if (name == "IPV6_TCLASS") CHECK(value == "-");
  }
}

TEST_CASE("sockopt list: a family that the kernel lacks is an error that names it") {
  Process process(sockx({"sockopt", "list", "--family", "AF_RDS", "--type", "seqpacket"}));
  const auto end = process.wait();
  if (end == exited(0)) return;  // this kernel has it
  check_failure(process, 1, "AF_RDS SOCK_SEQPACKET");
}

TEST_CASE("sockopt list: the names of all families and types are taken") {
  for (const auto* name : {"AF_UNIX", "inet", "INET6", "AF_CAN", "can", "AF_RDS", "vsock", "AF_UNSPEC"}) {
    CAPTURE(name);
    Process process(sockx({"sockopt", "list", "--family", name}));
    CHECK(process.wait() != exited(2));
  }
  for (const auto* name : {"stream", "SOCK_DGRAM", "raw", "rdm", "seqpacket"}) {
    CAPTURE(name);
    Process process(sockx({"sockopt", "list", "--type", name}));
    CHECK(process.wait() != exited(2));
  }
}

TEST_CASE("sockopt get: the sixteen options of socket(7) have the values that python3 sees") {
  if (is_missing("python3")) return;
  const std::vector<std::string> names{"SO_ACCEPTCONN", "SO_BROADCAST", "SO_DEBUG",     "SO_DONTROUTE",
                                       "SO_ERROR",      "SO_KEEPALIVE", "SO_OOBINLINE", "SO_RCVBUF",
                                       "SO_RCVLOWAT",   "SO_REUSEADDR", "SO_SNDBUF",    "SO_SNDLOWAT",
                                       "SO_TYPE"};
  const std::string program =
      "import socket,struct,sys\n"
      "s=socket.socket()\n"
      "for n in sys.argv[1:]: print(n, s.getsockopt(socket.SOL_SOCKET, getattr(socket,n)))\n"
      "print('SO_LINGER', *struct.unpack('ii', s.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)))\n"
      "for n in (20, 21): print(n, *struct.unpack('ll', s.getsockopt(socket.SOL_SOCKET, n, 16)))\n";
  const auto told = lines_of(run(std::vector<std::string>{"python3", "-c", program} + names));
  const auto ours =
      by_name(events_of(std::vector<std::string>{"get", "SO_LINGER", "SO_RCVTIMEO", "SO_SNDTIMEO"} + names));
  CHECK(ours.size() == 16);
  for (const auto& line : told) {
    std::istringstream words(line);
    std::string name;
    int value = 0;
    words >> name >> value;
    CAPTURE(name);
    if (!ours.contains(name)) continue;
    const auto& mine = ours.at(name).at("value");
    if (mine.is_boolean())
      CHECK(mine.get<bool>() == (value != 0));
    else if (mine.is_number())
      CHECK(mine.get<int>() == value);
  }
  CHECK(std::count(told.begin(), told.end(), "SO_LINGER 0 0") == 1);
  CHECK(ours.at("SO_LINGER").at("value") == "off");
  CHECK(std::count(told.begin(), told.end(), "20 0 0") == 1);
  CHECK(ours.at("SO_RCVTIMEO").at("value") == 0.0);
  CHECK(ours.at("SO_SNDTIMEO").at("value") == 0.0);
}

TEST_CASE(
    "sockopt set: the sixteen options of socket(7) are set as python3 sets them, or refused with the "
    "reason") {
  if (is_missing("python3")) return;
  struct Row {
    std::string name, word;  // as it is typed
    std::string python;      // what python3 sets
  };
  for (const auto& [name, word, python] : {
           Row{"SO_BROADCAST", "on", "1"},
           Row{"SO_DEBUG", "off", "0"},  // on needs CAP_NET_ADMIN
           Row{"SO_DONTROUTE", "on", "1"},
           Row{"SO_KEEPALIVE", "yes", "1"},
           Row{"SO_LINGER", "on,7", "struct.pack('ii',1,7)"},
           Row{"SO_OOBINLINE", "1", "1"},
           Row{"SO_RCVBUF", "30000", "30000"},
           Row{"SO_RCVLOWAT", "0", "0"},
           Row{"SO_RCVTIMEO", "1.5s", "struct.pack('ll',1,500000)"},
           Row{"SO_REUSEADDR", "true", "1"},
           Row{"SO_SNDBUF", "1", "1"},
           Row{"SO_SNDTIMEO", "250ms", "struct.pack('ll',0,250000)"},
       }) {
    CAPTURE(name);
    const bool is_structure = python.starts_with("struct");
    const auto number = name == "SO_RCVTIMEO" ? "20" : name == "SO_SNDTIMEO" ? "21" : "socket." + name;
    const auto program = "import socket,struct\ns=socket.socket()\ns.setsockopt(1," + number + "," + python +
                         ")\nprint(s.getsockopt(1," + number + (is_structure ? ",16).hex())" : ",4).hex())");
    auto hex = run({"python3", "-c", program});
    hex.pop_back();
    // The value in force must be, byte by byte, that of python3's socket.
    const auto set = events_of({"set", name + "=" + word}).front();
    CHECK(set.at("name") == name);
    CHECK(set.at("asked") == word);
    const auto bytes = [&] {
      std::string raw;
      for (std::size_t i = 0; i < hex.size(); i += 2)
        raw += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
      return raw;
    }();
    const auto& effective = set.at("effective");
    const auto expected = sockx::decode(sockx::find_option(name).type, bytes);
    std::visit([&](const auto& plain) { CHECK(effective == json(plain)); }, expected.scalar);
  }
  check_refused({"set", "SO_SNDLOWAT=5"}, 2, "SO_SNDLOWAT can only be read");
  check_refused({"set", "SO_ACCEPTCONN=1"}, 2, "only listen(2) sets this");
  check_refused({"set", "SO_ERROR=0"}, 2, "reading clears it");
  check_refused({"set", "SO_TYPE=1"}, 2, "as socket(2) was asked for");
}

TEST_CASE("sockopt set: a doubled buffer is told with the reason") {
  CHECK(run(sockx({"sockopt", "set", "SO_RCVBUF=65536"})) ==
        "SO_RCVBUF: asked 65536, effective 131072 (the kernel doubles the value, to have room for its own "
        "bookkeeping)\n");
  CHECK(run(sockx({"sockopt", "set", "keepalive=YES"})) == "SO_KEEPALIVE: asked YES, effective on\n");
}

TEST_CASE("sockopt get: one value stands alone, several bear names, --raw shows bytes") {
  CHECK(run(sockx({"sockopt", "get", "type"})) == "SOCK_STREAM\n");
  CHECK(run(sockx({"sockopt", "get", "type", "SO_LINGER"})) == "SO_TYPE SOCK_STREAM\nSO_LINGER off\n");
  CHECK(run(sockx({"sockopt", "get", "--raw", "4", "type"})) == "01000000\n");
  CHECK(run(sockx({"sockopt", "get", "--raw", "2", "type", "SO_LINGER"})) ==
        "SO_TYPE 0100\nSO_LINGER 0000\n");
  const auto event = events_of({"get", "--raw", "4", "SO_TYPE"}).front();
  CHECK(event.at("bytes") == "01000000");
  CHECK(event.at("size") == 4);
}

TEST_CASE("sockopt --connect: TCP_INFO member by member, with units, times in seconds in JSON") {
  const PeerListener listener;
  const auto endpoint = "127.0.0.1:" + listener.port();
  const auto text = run(sockx({"sockopt", "get", "--connect", endpoint, "TCP_INFO"}));
  CHECK(contains(text, "state ESTABLISHED\n"));
  CHECK(contains(text, " us\n"));
  CHECK(contains(text, " segments\n"));
  CHECK(contains(text, " bytes/s\n"));
  const auto info = events_of({"get", "--connect", endpoint, "tcp_info"}).front();
  CHECK(info.at("state") == "ESTABLISHED");
  CHECK(info.at("rto").get<double>() > 0.01);
  CHECK(info.at("rto").get<double>() < 10);
  CHECK(info.at("snd_cwnd").is_number_unsigned());
  CHECK(contains(info.at("options").get<std::string>(), "sack"));
  CHECK(contains(run(sockx({"sockopt", "set", "--connect", endpoint, "nodelay=on"})),
                 "TCP_NODELAY: asked on, effective on"));
}

TEST_CASE("sockopt --connect: a unix socket tells whose process is at the other end") {
  const Folder folder;
  const UniqueFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto path = std::string(folder / "socket");
  REQUIRE(path.copy(address.sun_path, sizeof address.sun_path - 1) == path.size());
  REQUIRE(bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(listen(listener.get(), 4) == 0);
  const auto peer = events_of({"get", "--connect", "unix:" + path, "SO_PEERCRED"}).front();
  CHECK(peer.at("pid") == getpid());
  CHECK(peer.at("uid") == getuid());
}

TEST_CASE("sockopt --pid: a server that blocks in accept is changed, sees it, and goes on blocking") {
  if (is_missing("python3")) return;
  Python python(
      "import socket,sys,fcntl,os\n"
      "l=socket.socket(); l.bind(('127.0.0.1',0)); l.listen()\n"
      "print('fd', l.fileno(), l.getsockname()[1])\n"
      "c,_=l.accept()\n"
      "print('keepalive', l.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE), "
      "'flags', fcntl.fcntl(l, fcntl.F_GETFL) & os.O_NONBLOCK)\n"
      "print('conn', c.fileno())\n"
      "b=c.recv(100)\n"
      "print('got', b.decode(), 'nodelay', c.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY), "
      "'rcvbuf', c.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF), "
      "'flags', fcntl.fcntl(c, fcntl.F_GETFL) & os.O_NONBLOCK)\n"
      "c.sendall(b'answer')\n");
  auto& server = python.process();
  std::istringstream words(server.out_line("fd"));
  std::string word, fd, port;
  words >> word >> fd >> port;
  wait_until_blocked(server, SYS_accept4);
  CHECK(run(sockx({"sockopt", "set", "--pid", python.pid(), "--fd", fd, "SO_KEEPALIVE=on"})) ==
        "SO_KEEPALIVE: asked on, effective on\n");
  CHECK(run(sockx({"sockopt", "get", "--pid", python.pid(), "--fd", fd, "SO_ACCEPTCONN"})) == "on\n");
  wait_until_blocked(server, SYS_accept4);

  auto client = Peer::connect(port);
  CHECK(server.out_line("keepalive") == "keepalive 1 flags 0");
  const auto connection = server.out_line("conn").substr(5);
  wait_until_blocked(server, SYS_recvfrom);
  run(sockx({"sockopt", "set", "--pid", python.pid(), "--fd", connection, "nodelay=on", "rcvbuf=30000"}));
  wait_until_blocked(server, SYS_recvfrom);
  client.send("question");
  CHECK(server.out_line("got") == "got question nodelay 1 rcvbuf 60000 flags 0");
  CHECK(client.receive(6) == "answer");  // nothing was shut down
  check_end(server, exited(0));
}

TEST_CASE("sockopt list --pid --fd: the values of a running process's socket, whose SO_ERROR stays") {
  if (is_missing("python3")) return;
  Python python(
      "import socket,sys\n"
      "s=socket.socket(); s.bind(('127.0.0.1',0)); port=s.getsockname()[1]; s.close()\n"
      "c=socket.socket(); c.setsockopt(6,1,1); c.setblocking(False); c.connect_ex(('127.0.0.1',port))\n"
      "import select; select.select([],[c],[],5)\n"
      "print('socket', c.fileno(), flush=True)\n"
      "sys.stdin.readline()\n"
      "print('error', c.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), flush=True)\n");
  const auto fd = python.process().out_line("socket").substr(7);
  const auto listed = by_name(events_of({"list", "--pid", python.pid(), "--fd", fd}));
  CHECK(listed.size() == sockx::socket_options().size());
  CHECK(listed.at("TCP_NODELAY").at("value") == true);
  CHECK_FALSE(listed.at("TCP_NODELAY").contains("default"));
  CHECK_FALSE(listed.at("SO_ERROR").contains("value"));
  python.process().write("go\n");
  CHECK(python.process().out_line("error") == "error " + std::to_string(ECONNREFUSED));
}

TEST_CASE("sockopt list --pid: every socket of a process and nothing else") {
  if (is_missing("python3")) return;
  Python python(
      "import socket,sys,os\n"
      "l=socket.socket(); l.bind(('127.0.0.1',0)); l.listen()\n"
      "c=socket.create_connection(l.getsockname())\n"
      "u=socket.socket(type=socket.SOCK_DGRAM); u.bind(('127.0.0.1',0))\n"
      "a,b=socket.socketpair()\n"
      "n=os.open('/dev/null',0); p=os.pipe()\n"
      "print('sockets', l.fileno(), c.fileno(), u.fileno(), a.fileno(), b.fileno(), l.getsockname()[1], "
      "c.getsockname()[1])\n"
      "sys.stdin.read()\n");
  std::istringstream words(python.process().out_line("sockets"));
  std::string word;
  int listening = 0, connected = 0, datagrams = 0, one = 0, other = 0, port = 0, own = 0;
  words >> word >> listening >> connected >> datagrams >> one >> other >> port >> own;
  std::map<int, json> sockets;
  for (const auto& event : events_of({"list", "--pid", python.pid()})) {
    CHECK(event.at("event") == "socket");
    sockets[event.at("fd")] = event;
  }
  CHECK(sockets.size() == 5);
  CHECK(sockets.at(listening).at("state") == "LISTEN");
  CHECK(sockets.at(listening).at("local") == "127.0.0.1:" + std::to_string(port));
  CHECK(sockets.at(listening).at("protocol") == "IPPROTO_TCP");
  CHECK(sockets.at(connected).at("state") == "ESTABLISHED");
  CHECK(sockets.at(connected).at("local") == "127.0.0.1:" + std::to_string(own));
  CHECK(sockets.at(connected).at("peer") == "127.0.0.1:" + std::to_string(port));
  CHECK(sockets.at(datagrams).at("type") == "SOCK_DGRAM");
  CHECK(sockets.at(datagrams).at("state") == "bound");
  CHECK(sockets.at(one).at("family") == "AF_UNIX");
  CHECK(sockets.at(other).at("state") == "connected");
  const auto lines = lines_of(run(sockx({"sockopt", "list", "--pid", python.pid()})));
  CHECK(lines.size() == 6);
  CHECK(lines.front().starts_with("fd "));
  python.process().close_input();
  check_end(python.process(), exited(0));
}

TEST_CASE("sockopt --fd: an inherited socket is changed for all who hold it, and its flags stay") {
  for (const int flags : {0, int{SOCK_NONBLOCK}}) {
    const auto pair = unix_pair(flags);
    const int fd = pair.ours.get();
    const auto before = status_flags(fd);
    const Process::Options options{.inherited = {fd}};
    CHECK(run(sockx({"sockopt", "set", "--fd", std::to_string(fd), "SO_PASSCRED=on"}), options) ==
          "SO_PASSCRED: asked on, effective on\n");
    int on = 0;
    socklen_t size = sizeof on;
    REQUIRE(getsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, &size) == 0);
    CHECK(on == 1);
    CHECK(status_flags(fd) == before);
    put(pair.theirs.get(), "still open");
    CHECK(unread(fd) == 10);
    put(fd, "both ways");
    CHECK(unread(pair.theirs.get()) == 9);
  }
  const auto pair = unix_pair(0);
  CHECK(run(sockx({"sockopt", "get", "--fd", "0", "SO_DOMAIN"}), {.in = Stdio::given(pair.ours.get())}) ==
        "AF_UNIX\n");
}

TEST_CASE("sockopt: words that are wrong give one line and the status of usage") {
  const std::string megabyte(1 << 17, 'x');  // the most that one word of a command line may have
  struct Row {
    std::vector<std::string> words;
    std::string message;
  };
  for (const auto& [words, message] : {
           Row{{}, "list|get|set"},
           Row{{""}, "say list, get or set"},
           Row{{"frob"}, "'frob': say list, get or set"},
           Row{{"get"}, "get what?"},
           Row{{"set"}, "set what?"},
           Row{{"get", ""}, "'': no such socket option"},
           Row{{"get", "SO_KEEPALIV"}, "did you mean SO_KEEPALIVE?"},
           Row{{"get", megabyte.substr(1)}, "no such socket option"},
           Row{{"set", megabyte.substr(1)}, "no such socket option"},
           Row{{"set", "rcvbuf=" + megabyte.substr(8)}, "SO_RCVBUF takes a number"},
           Row{{"get", "cork"}, "say TCP_CORK or UDP_CORK"},
           Row{{"get", "IP_ADD_MEMBERSHIP"}, "can only be set"},
           Row{{"set", "rcvbuf"}, "say SO_RCVBUF=VALUE"},
           Row{{"set", "rcvbuf=4294967296"}, "SO_RCVBUF takes a number"},
           Row{{"set", "ttl=300"}, "'ttl=300': the kernel refuses this value"},
           Row{{"set", "keepalive=maybe"}, "SO_KEEPALIVE takes on or off"},
           Row{{"list", "more"}, "'more': one word too many"},
           Row{{"list", "--family", "foo"}, "--family: 'foo': no such address family"},
           Row{{"list", "--type", ""}, "--type: '': no such socket type"},
           Row{{"list", "--protocol", "nonsense"}, "--protocol: 'nonsense'"},
           Row{{"list", "--raw", "4"}, "--raw: it is for get"},
           Row{{"list", "--fd", "99"}, "--fd: 99 is not an open socket"},
           Row{{"get", "--raw", "0", "type"}, "--raw"},
           Row{{"get", "--raw", "65537", "type"}, "--raw"},
           Row{{"get", "--fd", "-1", "type"}, "--fd"},
           Row{{"get", "--fd", "99", "type"}, "--fd: 99 is not an open socket"},
           Row{{"get", "--fd", "0", "type"}, "--fd: 0 is not an open socket"},
           Row{{"get", "--pid", "0", "type"}, "--pid"},
           Row{{"get", "--pid", "1", "type"}, "--fd N"},
           Row{{"get", "--fd", "3", "--family", "inet", "type"}, "--f"},
           Row{{"get", "--fd", "3", "--connect", "127.0.0.1:9", "type"}, "--connect"},
           Row{{"get", "--connect", "fd:3", "type"}, "say --fd"},
           Row{{"get", "--connect", "", "type"}, "''"},
           Row{{"get", "--connect", "127.0.0.1", "type"}, "127.0.0.1"},
           Row{{"get", "--connect", "127.0.0.1:9", "--type", "dgram", "type"}, "--type stream or seqpacket"},
           Row{{"get", "--connect", "127.0.0.1:9", "--family", "can", "type"}, "inet and inet6"},
           Row{{"get", "--connect", "127.0.0.1:9", "--protocol", "udp", "type"}, "tcp and mptcp"},
           Row{{"get", "--connect-timeout", "2s", "type"}, "--connect"},
       }) {
    CAPTURE(message);
    check_refused(words, 2, message);
  }
}

TEST_CASE("sockopt: what this socket does not have is an error that names the socket and the option") {
  check_refused({"get", "--type", "dgram", "nodelay"}, 1,
                "this socket (AF_INET SOCK_DGRAM) has no TCP_NODELAY");
  check_refused({"set", "--family", "unix", "ttl=5"}, 1, "this socket (AF_UNIX SOCK_STREAM) has no IP_TTL");
  check_refused({"set", "IPV6_V6ONLY=on"}, 1, "this socket (AF_INET SOCK_STREAM) has no IPV6_V6ONLY");
  check_refused({"get", "--connect", "127.0.0.1:1", "type"}, 4, "Connection refused");
}

TEST_CASE("sockopt set: settings are made in order, and a failure says which had been made") {
  Process process(sockx({"sockopt", "set", "keepalive=on", "rcvbuf=1", "ttl=300", "oobinline=on"}));
  check_failure(process, 2, "'ttl=300': the kernel refuses this value; SO_KEEPALIVE, SO_RCVBUF had been set");
  const auto lines = lines_of(process.out());
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].starts_with("SO_KEEPALIVE: "));
  CHECK(lines[1].starts_with("SO_RCVBUF: "));
  // What is wrong before any call is found before any call.
  Process early(sockx({"sockopt", "set", "keepalive=on", "type=1"}));
  check_failure(early, 2, "SO_TYPE can only be read");
  CHECK(early.out() == "");
}

TEST_CASE("sockopt --pid: no such process, descriptor or permission is said in one line") {
  Process gone({"true"});
  check_end(gone, exited(0));
  const auto pid = std::to_string(gone.pid());
  check_refused({"list", "--pid", pid}, 8, "process " + pid + ": No such process");
  check_refused({"get", "--pid", pid, "--fd", "3", "type"}, 8, "No such process");
  Process sleeper({"sleep", "60"});
  const auto sleeping = std::to_string(sleeper.pid());
  eventually("sleep runs", [&] { return contains(read_file("/proc/" + sleeping + "/comm"), "sleep"); });
  check_refused({"get", "--pid", sleeping, "--fd", "99", "type"}, 2,
                "descriptor 99 of process " + sleeping + " is not an open socket");
  check_refused({"get", "--pid", sleeping, "--fd", "0", "type"}, 2, "is not an open socket");
  CHECK(run(sockx({"sockopt", "list", "--pid", sleeping})) == "");
  if (geteuid() != 0 || is_missing("setpriv")) return;
  const std::vector<std::string> as_nobody{"setpriv", "--reuid", "65534", "--clear-groups"};
  for (const auto& words : {std::vector<std::string>{"list", "--pid", sleeping},
                            {"get", "--pid", sleeping, "--fd", "0", "type"}}) {
    Process process(as_nobody + sockx(std::vector<std::string>{"sockopt"} + words));
    check_failure(process, 8, "CAP_SYS_PTRACE");
  }
}

TEST_CASE("sockopt --pid: where Yama restricts ptrace(2), the refusal says so") {
  Process sleeper({"sleep", "60"});
  // This kernel may lack Yama, which tells its setting in a file. In a user namespace of its own the test is
  // not permitted what it is outside.
  const Namespace restricted(
      "mount -t tmpfs none /proc/sys/kernel && mkdir /proc/sys/kernel/yama && "
      "echo 1 > /proc/sys/kernel/yama/ptrace_scope");
  if (!restricted.works()) return;
  Process process(restricted.within(
      sockx({"sockopt", "get", "--pid", std::to_string(sleeper.pid()), "--fd", "0", "type"})));
  check_failure(process, 8,
                "CAP_SYS_PTRACE is needed; kernel.yama.ptrace_scope is 1): Operation not permitted");
}

TEST_CASE("sockopt --trace: every call on the socket is told") {
  Process process(sockx({"sockopt", "--trace", "set", "rcvbuf=5000", "linger=on,3"}));
  check_end(process, exited(0));
  const auto lines = lines_of(process.err());
  const auto told = [&](const std::string& words) {
    return std::any_of(lines.begin(), lines.end(), [&](const auto& line) { return contains(line, words); });
  };
  CHECK(told("socket(AF_INET, SOCK_STREAM, 0) = "));
  CHECK(told("SOL_SOCKET, SO_RCVBUF, 5000) = 0"));
  CHECK(told("SOL_SOCKET, SO_RCVBUF, [10000]) = 0"));
  CHECK(told("SOL_SOCKET, SO_LINGER, on,3) = 0"));
  Process refused(sockx({"sockopt", "--trace", "get", "IPV6_V6ONLY"}));
  check_end(refused, exited(1));
  CHECK(contains(refused.err(), "= -1 EOPNOTSUPP"));
}

TEST_CASE("sockopt set: a value that names what is not there is the value's fault, status 2") {
  check_refused({"set", "bindtodevice=nosuch"}, 2, "'bindtodevice=nosuch': the kernel refuses this value");
  check_refused({"set", "congestion=nosuch"}, 2, "'congestion=nosuch': the kernel refuses this value");
}

TEST_CASE("sockopt: a socket that one may not make is status 8") {
  if (geteuid() != 0 || is_missing("setpriv")) return;
  Process process(
      std::vector<std::string>{"setpriv", "--reuid", "65534", "--clear-groups", "--inh-caps=-all"} +
      sockx({"sockopt", "get", "--type", "raw", "--protocol", "icmp", "ttl"}));
  check_failure(process, 8, "socket AF_INET SOCK_RAW IPPROTO_ICMP: Operation not permitted");
}

TEST_CASE("sockopt list --pid: a name cannot make a row of its own") {
  const auto path = "@x\n3   AF_INET  SOCK_STREAM  IPPROTO_TCP  LISTEN  0.0.0.0:22  -";
  const UniqueFd forged(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto address = sockx::Address::unix_name(path);
  REQUIRE(bind(forged.get(), address.data(), address.size()) == 0);
  const auto listed = run(sockx({"sockopt", "list", "--pid", std::to_string(getpid())}));
  for (const auto& line : lines_of(listed)) CHECK_FALSE(line.starts_with("3   AF_INET  SOCK_STREAM"));
  CHECK(contains(listed, "unix:@x\\x0a3"));
}

}  // namespace test

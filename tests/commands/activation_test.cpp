// --inetd and --systemd: sockets that somebody else has opened.
#include <signal.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>

#include "../support/activated.hpp"
#include "../support/descriptors.hpp"
#include "../support/events.hpp"
#include "../support/peer.hpp"

namespace test {

namespace {

std::vector<std::string> activated(const std::vector<int>& fds, const std::vector<std::string>& words,
                                   const std::string& names = "") {
  return activated_command("listen", fds, words, names);
}

void check_service(const std::string& port, const std::string& said, const std::string& answered) {
  auto peer = Peer::connect(port);
  peer.send(said);
  peer.finish();
  CHECK(peer.receive_all() == answered);
}

/// The socket of NOTIFY_SOCKET, at a path or an abstract name.
class Manager {
 public:
  explicit Manager(const std::string& name)
      : socket_(UniqueFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0))) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name.starts_with('@')) address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    Peer::check(bind(socket_.fd(), reinterpret_cast<const sockaddr*>(&address), size), "bind");
  }
  std::string next() {
    char state[64];
    const auto got = recv(socket_.fd(), state, sizeof state, 0);
    Peer::check(got, "recv");
    return {state, static_cast<std::size_t>(got)};
  }

 private:
  Peer socket_;
};

TEST_CASE("--systemd: several listening sockets are served, and the manager hears READY and STOPPING") {
  const Folder folder;
  for (const auto& name : {folder / "notify", "@" + fs::path(folder.path()).filename().string()}) {
    CAPTURE(name);
    Manager manager(name);
    PeerListener one, two;
    Process::Options options;
    options.inherited = {one.fd(), two.fd()};
    options.environment = {"NOTIFY_SOCKET=" + name};
    Process server(activated({one.fd(), two.fd()}, {"-k", "--handler", "upper"}, "first:second"), options);
    CHECK(manager.next() == "READY=1");
    check_service(one.port(), "one", "ONE");
    check_service(two.port(), "two", "TWO");
    server.signal(SIGTERM);
    CHECK(manager.next() == "STOPPING=1");
    check_end(server, killed_by(SIGTERM));
  }
}

TEST_CASE("--systemd: a drain is told to the manager when it begins") {
  const Folder folder;
  Manager manager(folder / "notify");
  PeerListener listener;
  Process::Options options;
  options.inherited = {listener.fd()};
  options.environment = {"NOTIFY_SOCKET=" + (folder / "notify")};
  Process server(activated({listener.fd()}, {"-k", "--handler", "echo", "--drain-timeout", "20s"}), options);
  CHECK(manager.next() == "READY=1");
  auto peer = Peer::connect(listener.port());
  peer.send("a");
  CHECK(peer.receive(1) == "a");
  server.signal(SIGTERM);
  CHECK(manager.next() == "STOPPING=1");
  peer.send("b");
  CHECK(peer.receive(1) == "b");
  peer.finish();
  CHECK(peer.receive_all() == "");
  check_end(server, killed_by(SIGTERM));
}

TEST_CASE("--systemd: an accepted connection is served alone (Accept=yes)") {
  auto pair = tcp_pair(0);
  Process::Options options;
  options.inherited = {pair.ours.get()};
  Process server(activated({pair.ours.get()}, {"--handler", "upper"}, "connection"), options);
  pair.ours.reset();
  Peer peer(std::move(pair.theirs));
  peer.send("hello");
  peer.finish();
  CHECK(peer.receive_all() == "HELLO");
  check_end(server, exited(0));
}

TEST_CASE("--systemd: programs see none of the variables") {
  const Folder folder;
  Manager manager(folder / "notify");
  PeerListener listener;
  Process::Options options;
  options.inherited = {listener.fd()};
  options.environment = {"NOTIFY_SOCKET=" + (folder / "notify")};
  Process server(
      activated({listener.fd()}, {"--sh", "env | grep -E 'LISTEN_|NOTIFY_' ; ls /proc/self/fd"}, "x"),
      options);
  auto peer = Peer::connect(listener.port());
  peer.finish();
  CHECK(peer.receive_all() == "0\n1\n2\n3\n");  // 3 is the folder that ls reads
  check_end(server, exited(0));
}

TEST_CASE("--systemd: access lists hold for connections that are handed over") {
  auto pair = tcp_pair(0);
  Process::Options options;
  options.inherited = {pair.ours.get()};
  Process server(activated({pair.ours.get()}, {"--handler", "echo", "--deny", "127.0.0.1"}), options);
  pair.ours.reset();
  CHECK(Peer(std::move(pair.theirs)).receive_all() == "");
  check_end(server, exited(0));
}

TEST_CASE("--systemd: what does not fit is a usage error") {
  PeerListener listener;
  auto pair = tcp_pair(0);
  const UniqueFd datagram(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto refused = [&](const std::vector<int>& fds, const std::vector<std::string>& words,
                           const std::string& message) {
    Process::Options options;
    options.inherited = fds;
    Process process(activated(fds, words), options);
    check_failure(process, 2, message);
  };
  const int listening = listener.fd(), connected = pair.ours.get();
  refused({listening, connected}, {"-k", "--handler", "echo"}, "pass one connection");
  refused({connected}, {"-k", "--handler", "echo"}, "--keep-open");
  refused({listening, listening}, {"--handler", "echo"}, "say --keep-open");
  refused({datagram.get()}, {"-k", "--handler", "echo"}, "'fd:3': that is not a stream socket");
  refused({listening}, {"-k", "--handler", "echo", "8080"},
          "'8080': with --systemd the socket is there already");
  refused({listening}, {"-k", "--handler", "echo", "--workers", "2"}, "--workers");
  refused({listening}, {"-k", "--handler", "echo", "--port-file", "x"}, "--port-file");
  Process alone(sockx({"listen", "--systemd", "-k", "--handler", "echo"}));
  check_failure(alone, 2, "LISTEN_PID is not set");
  Process nothing(sockx({"listen"}));
  check_failure(nothing, 2, "say where to listen");
}

TEST_CASE("--systemd: systemd-socket-activate starts it, with listening sockets and with connections") {
  if (!is_installed("systemd-socket-activate")) {
    MESSAGE("skipped: no systemd-socket-activate");
    return;
  }
  for (const bool accepts : {false, true}) {
    CAPTURE(accepts);
    std::string port;
    {
      const HeldPort held;
      port = held.port();
    }
    std::vector<std::string> words{"systemd-socket-activate", "-l", "127.0.0.1:" + port};
    if (accepts) words.emplace_back("--accept");
    words = words + sockx({"listen", "--systemd", "--handler", "upper"});
    if (!accepts) words.emplace_back("-k");
    Process manager(words);
    manager.err_line("Listening on");
    check_service(port, "hello", "HELLO");
    check_service(port, "again", "AGAIN");
  }
}

TEST_CASE("--systemd --max-conns: with two sockets, one client more waits at either of them") {
  PeerListener one, two;
  Process server(activated({one.fd(), two.fd()}, {"-k", "--json", "--max-conns", "1", "--handler", "echo"}),
                 {.inherited = {one.fd(), two.fd()}});
  auto first = Peer::connect(one.port());
  first.send("first");
  CHECK(first.receive(5) == "first");
  auto second = Peer::connect(two.port());
  second.send("second");
  first.close();
  CHECK(second.receive(6) == "second");
}

TEST_CASE("--inetd: standard input is the connection, and nothing but the service reaches the peer") {
  for (const bool fails : {false, true}) {
    CAPTURE(fails);
    auto pair = tcp_pair(0);
    const int socket = pair.ours.get();
    auto words = sockx({"listen", "-vv", "--trace", "--json", "--inetd", "--handler", "upper"});
    if (fails) words.push_back("--no-such-option");
    Process server(words, {Stdio::given(socket), Stdio::given(socket), Stdio::given(socket)});
    pair.ours.reset();
    Peer peer(std::move(pair.theirs));
    if (!fails) peer.send("hello");
    peer.finish();
    CHECK(peer.receive_all() == (fails ? "" : "HELLO"));
    check_end(server, exited(fails ? 2 : 0));
  }
}

TEST_CASE("--inetd: a standard error of its own is used") {
  auto pair = tcp_pair(0);
  Process server(sockx({"listen", "-v", "--inetd", "--handler", "daytime"}),
                 {Stdio::given(pair.ours.get()), Stdio::given(pair.ours.get()), Stdio::pipe()});
  pair.ours.reset();
  Peer peer(std::move(pair.theirs));
  peer.finish();
  CHECK(peer.receive_all() != "");
  check_end(server, exited(0));
  CHECK(contains(server.err(), "connection 1 from 127.0.0.1"));
}

TEST_CASE("--inetd: a socket that listens is served: one client, or with --keep-open all") {
  for (const bool keeps_open : {false, true}) {
    CAPTURE(keeps_open);
    PeerListener listener;
    auto words = sockx({"listen", "--inetd", "--handler", "upper"});
    if (keeps_open) words.emplace_back("-k");
    Process server(words, {Stdio::given(listener.fd()), Stdio::pipe(), Stdio::pipe()});
    check_service(listener.port(), "one", "ONE");
    if (!keeps_open) {
      check_end(server, exited(0));
      continue;
    }
    check_service(listener.port(), "two", "TWO");
    server.signal(SIGTERM);
    check_end(server, killed_by(SIGTERM));
  }
}

TEST_CASE("--inetd: a program gets the connection by pipes, and no socket besides") {
  auto pair = tcp_pair(0);
  Process server(sockx({"listen", "--inetd", "--exec", "--", "ls", "/proc/self/fd"}),
                 {Stdio::given(pair.ours.get()), Stdio::given(pair.ours.get()), Stdio::pipe()});
  pair.ours.reset();
  Peer peer(std::move(pair.theirs));
  peer.finish();
  CHECK(peer.receive_all() == "0\n1\n2\n3\n");
  check_end(server, exited(0));
}

TEST_CASE("--inetd: what does not fit is a usage error") {
  struct Row {
    std::vector<std::string> words;
    std::string message;
  };
  for (const auto& [words, message] : {
           Row{{"--handler", "echo"}, "'standard input': that is not an open socket"},
           Row{{}, "--handler"},
           Row{{"--handler", "echo", "--systemd"}, "--inetd"},
           Row{{"--handler", "echo", "8080"}, "'8080': with --inetd the socket is there already"},
           Row{{"--handler", "echo", "--mode", "600"}, "--mode"},
       }) {
    Process process(sockx({"listen", "--inetd"}) + words);
    check_failure(process, 2, message);
  }
}

}  // namespace

}  // namespace test

// --pass-fd and fd:unix:PATH: one connection, begun by one process and continued by another; and fd:N, whose
// socket stays as it was.
#include <poll.h>

#include <cstring>

#include "../support/descriptors.hpp"
#include "../support/events.hpp"
#include "../support/peer.hpp"

namespace test {

namespace {

/// A descriptor that comes over a unix socket.
UniqueFd receive_descriptor(int socket) {
  char byte = 0;
  iovec content{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_iov = &content;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  REQUIRE(recvmsg(socket, &message, MSG_CMSG_CLOEXEC) == 1);
  const cmsghdr* const part = CMSG_FIRSTHDR(&message);
  REQUIRE(part != nullptr);
  REQUIRE(part->cmsg_type == SCM_RIGHTS);
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(part), sizeof fd);
  return UniqueFd(fd);
}

TEST_CASE("--pass-fd: whoever holds the unix socket that is stdout gets the connection, in blocking mode") {
  for (const auto* command : {"connect", "listen"}) {
    PeerListener listener;
    const bool listens = std::string(command) == "listen";
    auto channel = unix_pair(0);
    Process passing(sockx({command, "--pass-fd", "127.0.0.1", listens ? "0" : listener.port()}),
                    {Stdio::null(), Stdio::given(channel.ours.get())});
    auto peer = listens ? Peer::connect(port_of(passing)) : listener.accept();
    Peer taken(receive_descriptor(channel.theirs.get()));
    check_end(passing, exited(0));
    CHECK(passing.err() == "");
    CHECK((fcntl(taken.fd(), F_GETFL) & O_NONBLOCK) == 0);
    CHECK((fcntl(channel.ours.get(), F_GETFL) & O_NONBLOCK) == 0);
    peer.send("question");
    CHECK(taken.receive(8) == "question");
    taken.send("answer");
    taken.finish();
    CHECK(peer.receive_all() == "answer");
  }
}

TEST_CASE("--pass-fd=unix:PATH: another sockx, with fd:unix:PATH, continues the same connection") {
  for (const auto* command : {"connect", "listen"}) {
    const Folder folder;
    const auto path = folder / "socket";
    PeerListener listener;
    Process taking(sockx({"connect", "-v", "fd:unix:" + path}), {Stdio::pipe()});
    wait_for_listener(path);
    const bool listens = std::string(command) == "listen";
    Process passing(
        sockx({command, "--json", "--pass-fd=unix:" + path, "127.0.0.1", listens ? "0" : listener.port()}));
    auto peer = listens ? Peer::connect(port_of(passing)) : listener.accept();
    check_end(passing, exited(0));
    const auto passed = event_of(events_in(passing.err() + passing.out()), "passed");
    CHECK(contains(taking.err_line("connected to"), passed.at("peer").get<std::string>()));
    peer.send("question\n");
    CHECK(taking.out_line() == "question");
    taking.feed("answer");
    CHECK(peer.receive_all() == "answer");
    peer.finish();
    check_end(taking, exited(0));
    CHECK_FALSE(fs::exists(path));
  }
}

TEST_CASE("--pass-fd: Python takes the connection by recv_fds") {
  const Folder folder;
  Process taking({"python3", "-c", R"(
import socket, sys
l = socket.socket(socket.AF_UNIX); l.bind(sys.argv[1]); l.listen()
giver, _ = l.accept()
data, fds, flags, _ = socket.recv_fds(giver, 100, 10)
assert len(fds) == 1 and len(data) == 1, (data, fds)
s = socket.socket(fileno=fds[0])
assert s.getblocking()
print(s.getpeername()[1], flush=True)
s.sendall(s.recv(100)[::-1])
)",
                  folder / "socket"});
  wait_for_listener(folder / "socket");
  PeerListener listener;
  run(sockx({"connect", "--pass-fd=unix:" + (folder / "socket"), "127.0.0.1", listener.port()}));
  auto peer = listener.accept();
  CHECK(taking.out_line() == listener.port());
  peer.send("live");
  CHECK(peer.receive_all() == "evil");
  check_end(taking, exited(0));
}

TEST_CASE("fd:unix:PATH: a connection that Python passes on") {
  const Folder folder;
  const auto path = folder / "socket";
  Process taking(sockx({"connect", "fd:unix:" + path}), {Stdio::pipe()});
  wait_for_listener(path);
  Process passing({"python3", "-c", R"(
import socket, sys
a, b = socket.socketpair()
giver = socket.socket(socket.AF_UNIX); giver.connect(sys.argv[1])
socket.send_fds(giver, [b'x'], [b.fileno()]); b.close()
a.sendall(b'from Python'); a.shutdown(socket.SHUT_WR)
print(a.makefile().read())
)",
                   path});
  taking.feed("to Python");
  check_end(taking, exited(0));
  check_end(passing, exited(0));
  CHECK(taking.out() == "from Python");
  CHECK(passing.out() == "to Python\n");
}

TEST_CASE("--pass-fd: without a taker nothing is connected to, and the status says why") {
  PeerListener listener;
  const std::vector<std::tuple<std::string, int, std::string>> rows{
      {"--pass-fd", 2, "standard output is no unix socket"},
      {"--pass-fd=127.0.0.1:80", 2, "unix:PATH"},
      {"--pass-fd=unix:/no/such/socket", 4, "No such file"}};
  for (const auto& [word, status, said] : rows) {
    for (const auto* command : {"connect", "listen"}) {
      const bool connects = command == std::string("connect");
      Process process(sockx({command, word, "127.0.0.1", connects ? listener.port() : "0"}));
      check_failure(process, status, said);
    }
  }
  const auto tcp = tcp_pair(0);
  Process process(sockx({"connect", "--pass-fd", "127.0.0.1", listener.port()}),
                  {Stdio::null(), Stdio::given(tcp.ours.get())});
  check_failure(process, 2, "standard output is no unix socket");
  pollfd entry{listener.fd(), POLLIN, 0};
  CHECK(poll(&entry, 1, 0) == 0);
}

TEST_CASE("--pass-fd: what would be said of a conversation is status 2") {
  for (const auto& word : {"--crlf", "--send-only", "--no-shutdown", "--hexdump"}) {
    Process process(sockx({"connect", "--pass-fd=unix:/no/such/socket", word, "127.0.0.1", "1"}));
    check_failure(process, 2, word);
  }
}

TEST_CASE("fd:N: a number that was not inherited is none of the sockets that sockx opens itself") {
  const Folder folder;
  const PeerListener taker;  // never asked
  for (int number = 3; number < 9; ++number) {
    Process process(
        sockx({"connect", "fd:" + std::to_string(number), "--pass-fd=unix:" + (folder / "taker")}));
    check_failure(process, 2, "that is not an open socket");
  }
}

TEST_CASE("fd:unix:PATH: one who comes without a descriptor, or with a wrong one, or not at all") {
  const Folder folder;
  const auto path = folder / "socket";
  Process alone(sockx({"connect", "--connect-timeout", "100ms", "fd:unix:" + path}));
  check_failure(alone, 5);
  const std::vector<std::tuple<std::string, int, std::string>> rows{
      {"giver.sendall(b'x')", 1, "no descriptor came"},
      {"pass", 1, "no descriptor came"},
      {"socket.send_fds(giver, [b'x'], [0])", 1, "that is not an open socket"}};
  for (const auto& [deed, status, said] : rows) {
    Process taking(sockx({"connect", "fd:unix:" + path}));
    wait_for_listener(path);
    run({"python3", "-c",
         "import socket, sys\n"
         "giver = socket.socket(socket.AF_UNIX); giver.connect(sys.argv[1])\n" +
             deed,
         path});
    check_failure(taking, status, said);
    CHECK_FALSE(fs::exists(path));
  }
}

TEST_CASE("fd:N: neither a listening nor a connected socket has other flags afterwards, or meanwhile") {
  for (const int mode : {0, O_NONBLOCK}) {
    PeerListener inherited;
    REQUIRE(fcntl(inherited.fd(), F_SETFL, mode) == 0);
    const int listening_flags = status_flags(inherited.fd());
    Process listening(sockx({"listen", "fd:" + std::to_string(inherited.fd())}),
                      {.in = Stdio::pipe(), .inherited = {inherited.fd()}});
    auto client = Peer::connect(inherited.port());
    client.send("question\n");
    CHECK(listening.out_line() == "question");
    CHECK(status_flags(inherited.fd()) == listening_flags);
    listening.feed("answer");
    CHECK(client.receive_all() == "answer");
    client.finish();
    check_end(listening, exited(0));
    CHECK(status_flags(inherited.fd()) == listening_flags);
    auto second = Peer::connect(inherited.port());  // it still listens

    const auto pair = tcp_pair(mode);
    const auto theirs = pair.theirs.get();
    const int connected_flags = status_flags(theirs);
    CHECK((connected_flags & O_NONBLOCK) == mode);
    Process connected(sockx({"connect", "fd:" + std::to_string(theirs)}),
                      {.in = Stdio::pipe(), .inherited = {theirs}});
    connected.write("question");
    Peer peer(UniqueFd(fcntl(pair.ours.get(), F_DUPFD_CLOEXEC, 0)));
    REQUIRE(fcntl(peer.fd(), F_SETFL, 0) == 0);
    CHECK(peer.receive(8) == "question");
    CHECK(status_flags(theirs) == connected_flags);
    peer.send("answer");
    peer.finish();
    connected.close_input();
    check_end(connected, exited(0));
    CHECK(connected.out() == "answer");
    CHECK(status_flags(theirs) == connected_flags);
  }
}

}  // namespace

}  // namespace test

// sockx udp over unix sockets: peers that do not read, and names that lead back to the server.
#include <signal.h>
#include <sys/un.h>

#include <thread>

#include "../support/events.hpp"
#include "../support/peer.hpp"
#include "../support/sockx.hpp"

namespace test {

namespace {

/// A datagram socket that is bound to a path, but not connected: so its queue has net.unix.max_dgram_qlen
/// places.
class UnixPeer {
 public:
  explicit UnixPeer(const std::string& path)
      : peer_(UniqueFd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0))) {
    const auto address = at(path);
    Peer::check(bind(peer_.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
  }
  void send(const std::string& bytes, const std::string& path) {
    const auto address = at(path);
    Peer::check(sendto(peer_.fd(), bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&address),
                       sizeof address),
                "sendto");
  }
  std::string receive() {
    std::string bytes(100'000, '\0');
    const auto got = recv(peer_.fd(), bytes.data(), bytes.size(), 0);
    Peer::check(got, "recv");
    bytes.resize(static_cast<std::size_t>(got));
    return bytes;
  }

 private:
  static sockaddr_un at(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
  }
  Peer peer_;
};

}  // namespace

TEST_SUITE("udp over unix sockets") {
  TEST_CASE("udp: --reply all gives everything to who reads, though another peer's queue is full") {
    const Folder folder;
    const auto path = folder / "socket";
    Process listener(sockx({"-v", "udp", "--listen", "--reply", "all", "--format", "line", "unix:" + path}),
                     {Stdio::pipe()});
    listener.err_line("listening on");
    UnixPeer deaf(folder / "deaf"), good(folder / "good");
    deaf.send("deaf", path);
    listener.out_line("deaf");
    good.send("good", path);
    listener.out_line("good");
    for (int i = 0; i < 30; ++i) listener.write(std::to_string(i) + '\n');
    for (int i = 0; i < 30; ++i) REQUIRE(good.receive() == std::to_string(i) + '\n');
    listener.signal(SIGTERM);
    check_end(listener, killed_by(SIGTERM));
    CHECK(contains(listener.err(), "the peers did not read"));
  }

  TEST_CASE("udp: --reply all gives all of long datagrams to who reads, though another peer reads nothing") {
    const Folder folder;
    const auto path = folder / "socket";
    Process listener(sockx({"-v", "udp", "--listen", "--reply", "all", "--framing", "line", "--format",
                            "line", "unix:" + path}),
                     {Stdio::pipe()});
    listener.err_line("listening on");
    UnixPeer deaf(folder / "deaf"), good(folder / "good");
    good.send("good", path);
    listener.out_line("good");
    deaf.send("deaf", path);
    listener.out_line("deaf");
    const auto line_of = [](int i) { return std::string(90'000, static_cast<char>('a' + i % 26)) + '\n'; };
    const std::jthread writer([&] {
      for (int i = 0; i < 100; ++i) listener.write(line_of(i));
    });
    for (int i = 0; i < 100; ++i) REQUIRE(good.receive() == line_of(i));
    listener.signal(SIGTERM);
    check_end(listener, killed_by(SIGTERM));
    CHECK(contains(listener.err(), "the peers did not read"));
  }

  TEST_CASE("udp: --handler echo --datagrams ends, though a peer's queue is full") {
    const Folder folder;
    const auto path = folder / "socket";
    Process listener(
        sockx({"--json", "udp", "--listen", "--handler", "echo", "--datagrams", "50", "unix:" + path}));
    listener.err_line("\"listening\"");
    UnixPeer deaf(folder / "deaf");
    for (int i = 0; i < 50; ++i) deaf.send("x", path);
    check_end(listener, exited(0));
    const auto finished = event_of(events_in(listener.err()), "finished");
    CHECK(finished["undelivered"] > 0);
    CHECK(finished["sent"].get<int>() + finished["undelivered"].get<int>() == 50);
  }
  TEST_CASE("udp: --handler echo does not answer a path that has come to lead to itself") {
    const Folder folder;
    const auto path = folder / "socket";
    Process listener(sockx({"--json", "udp", "--listen", "--handler", "echo", "unix:" + path}));
    listener.err_line("\"listening\"");
    UnixPeer peer(folder / "peer"), other(folder / "other");
    fs::create_symlink(path, folder / "link");
    fs::rename(folder / "link", folder / "peer");
    peer.send("x", path);
    other.send("y", path);
    CHECK(other.receive() == "y");
    listener.signal(SIGTERM);
    check_end(listener, killed_by(SIGTERM));
    const auto finished = event_of(events_in(listener.err()), "finished");
    CHECK(finished["received"] == 2);
    CHECK(finished["sent"] == 1);
    CHECK(finished["unanswered"] == 1);
  }
}

}  // namespace test

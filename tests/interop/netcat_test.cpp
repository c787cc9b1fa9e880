// listen and connect with the peers that others have written: the same bytes arrive, either way round.
#include <functional>

#include "../support/sockx.hpp"

namespace test {

namespace {

/// Words of a peer that moves bytes one way and ends by itself, HOST and PORT to be filled in. One way,
/// because at a half-close every one of them truncates the other direction.
struct Peer {
  std::string program;
  std::vector<std::string> sends, takes;                   // as client
  std::vector<std::string> serves_sending, serves_taking;  // as server, which chooses its port
};

const std::string python_client = R"(
import socket, sys
s = socket.create_connection(('127.0.0.1', int(sys.argv[2])))
if sys.argv[1] == 'send':
    s.sendfile(open(0, 'rb')) ; s.shutdown(socket.SHUT_WR)
    assert s.recv(1) == b''
else:
    while data := s.recv(65536): sys.stdout.buffer.write(data)
)";
const std::string python_server = R"(
import socket, sys
listener = socket.create_server(('127.0.0.1', 0))
s, peer = listener.accept()
if sys.argv[1] == 'send':
    s.sendfile(open(0, 'rb')) ; s.shutdown(socket.SHUT_WR)
    assert s.recv(1) == b''
else:
    while data := s.recv(65536): sys.stdout.buffer.write(data)
)";

const std::vector<Peer> peers{
    {"nc.openbsd",
     {"nc.openbsd", "-N", "127.0.0.1", "PORT"},
     {"nc.openbsd", "-d", "127.0.0.1", "PORT"},
     {"nc.openbsd", "-N", "-l", "127.0.0.1", "0"},
     {"nc.openbsd", "-d", "-l", "127.0.0.1", "0"}},
    {"nc.traditional",
     {"nc.traditional", "-q", "0", "127.0.0.1", "PORT"},
     {"nc.traditional", "127.0.0.1", "PORT"},
     {"nc.traditional", "-q", "0", "-l", "-s", "127.0.0.1"},
     {"nc.traditional", "-l", "-s", "127.0.0.1"}},
    {"ncat",
     {"ncat", "--send-only", "127.0.0.1", "PORT"},
     {"ncat", "--recv-only", "127.0.0.1", "PORT"},
     {"ncat", "--send-only", "-l", "127.0.0.1", "0"},
     {"ncat", "--recv-only", "-l", "127.0.0.1", "0"}},
    {"socat",
     {"socat", "-u", "-", "TCP:127.0.0.1:PORT"},
     {"socat", "-u", "TCP:127.0.0.1:PORT", "-"},
     {"socat", "-u", "-", "TCP-LISTEN:0,bind=127.0.0.1"},
     {"socat", "-u", "TCP-LISTEN:0,bind=127.0.0.1", "-"}},
    {"python3",
     {"python3", "-c", python_client, "send", "PORT"},
     {"python3", "-c", python_client, "take", "PORT"},
     {"python3", "-c", python_server, "send"},
     {"python3", "-c", python_server, "take"}},
};

std::vector<std::string> with_port(std::vector<std::string> words, const std::string& port) {
  for (auto& word : words)
    if (const auto at = word.find("PORT"); at != std::string::npos && word.size() < 40)
      word.replace(at, 4, port);
  return words;
}

/// sockx sends from a file, which is a whole conversation; it takes with stdin left open, because some peers
/// stop sending when they see our end.
class Files {
 public:
  explicit Files(std::size_t size) : content_(noise(size)) { write_file(folder_ / "in", content_); }
  Process::Options sends() const {
    return {Stdio::input(folder_ / "in"), Stdio::output(folder_ / "nothing")};
  }
  Process::Options takes(Stdio in) const { return {std::move(in), Stdio::output(folder_ / "out")}; }
  void check() const { CHECK(difference(read_file(folder_ / "out"), content_) == ""); }

 private:
  Folder folder_;
  std::string content_;
};

const std::vector<std::size_t> sizes{0, 1, 65'536, 8U << 20U};

/// Runs `check` for every peer that is there and every size.
void for_every_peer_and_size(const std::function<void(const Peer&, const Files&)>& check) {
  for (const auto& peer : peers) {
    if (is_missing(peer.program)) continue;
    for (const auto size : sizes) {
      CAPTURE(peer.program);
      CAPTURE(size);
      check(peer, Files(size));
    }
  }
}

void check_both(Process& ours, Process& theirs, const Files& files) {
  check_end(ours, exited(0));
  check_end(theirs, exited(0));
  files.check();
}

TEST_CASE("interop: listen sends to every client") {
  for_every_peer_and_size([](const Peer& peer, const Files& files) {
    Process listening(sockx({"listen", "127.0.0.1", "0"}), files.sends());
    Process client(with_port(peer.takes, port_of(listening)), files.takes(Stdio::null()));
    check_both(listening, client, files);
  });
}

TEST_CASE("interop: listen takes from every client") {
  for_every_peer_and_size([](const Peer& peer, const Files& files) {
    Process listening(sockx({"listen", "--until", "peer", "127.0.0.1", "0"}), files.takes(Stdio::pipe()));
    Process client(with_port(peer.sends, port_of(listening)), files.sends());
    check_both(listening, client, files);
  });
}

TEST_CASE("interop: connect sends to every server") {
  for_every_peer_and_size([](const Peer& peer, const Files& files) {
    Process server(peer.serves_taking, files.takes(Stdio::null()));
    Process connecting(sockx({"connect", "127.0.0.1", port_of(server)}), files.sends());
    check_both(connecting, server, files);
  });
}

TEST_CASE("interop: connect takes from every server") {
  for_every_peer_and_size([](const Peer& peer, const Files& files) {
    Process server(peer.serves_sending, files.sends());
    Process connecting(sockx({"connect", "--until", "peer", "127.0.0.1", port_of(server)}),
                       files.takes(Stdio::pipe()));
    check_both(connecting, server, files);
  });
}

TEST_CASE("interop: a python server that answers only when it has everything, both ways whole") {
  if (is_missing("python3")) return;
  const Folder folder;
  const auto content = noise(8U << 20U);
  write_file(folder / "in", content);
  Process server({"python3", "-c", R"(
import socket
listener = socket.create_server(('127.0.0.1', 0))
s, peer = listener.accept()
everything = b''.join(iter(lambda: s.recv(1 << 20), b''))
s.sendall(everything[::-1])
)"});
  Process connecting(sockx({"connect", "127.0.0.1", port_of(server)}), {Stdio::input(folder / "in")});
  check_end(connecting, exited(0));
  check_end(server, exited(0));
  CHECK(difference(connecting.out(), {content.rbegin(), content.rend()}) == "");
}

TEST_CASE("interop: send-file to, and recv-file from, a netcat") {
  if (is_missing("nc.openbsd")) return;
  const Folder folder;
  const auto content = noise(8U << 20U);
  write_file(folder / "in", content);
  Process taking({"nc.openbsd", "-d", "-l", "127.0.0.1", "0"},
                 {Stdio::null(), Stdio::output(folder / "taken")});
  run(sockx({"send-file", folder / "in", "127.0.0.1", port_of(taking)}));
  check_end(taking, exited(0));
  CHECK(difference(read_file(folder / "taken"), content) == "");

  Process receiving(sockx({"recv-file", "-o", folder / "received", "127.0.0.1", "0"}));
  Process sending({"nc.openbsd", "-N", "127.0.0.1", port_of(receiving)}, {Stdio::input(folder / "in")});
  check_end(receiving, exited(0));
  check_end(sending, exited(0));
  CHECK(difference(read_file(folder / "received"), content) == "");
}

}  // namespace

}  // namespace test

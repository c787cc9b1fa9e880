// udp --listen with --exec and --sh: a program for each peer, and nothing of it afterwards.
#include <signal.h>
#include <sys/un.h>

#include <iterator>
#include <set>

#include "../support/datagram_peer.hpp"
#include "../support/events.hpp"
#include "../support/namespace.hpp"

namespace test {

namespace {

/// The children of the process that run, by number.
std::vector<std::string> children_of(const Process& process) {
  const auto pid = std::to_string(process.pid());
  std::istringstream words(read_file("/proc/" + pid + "/task/" + pid + "/children"));
  return {std::istream_iterator<std::string>(words), {}};
}

/// sockx udp --listen with a program and with events; what follows `--` are the words of the program.
class ProgramServer {
 public:
  explicit ProgramServer(std::vector<std::string> words, const std::string& endpoint = "127.0.0.1:0")
      : process_(sockx({"--json", "udp", "--listen"}) + words_with(std::move(words), endpoint)) {
    const auto listening = event("listening");
    if (listening.contains("port")) port_ = std::to_string(listening.at("port").get<int>());
    descriptors_ = process_.open_descriptors();
  }
  Process& process() { return process_; }
  const std::string& port() const { return port_; }
  json event(const std::string& name) { return json::parse(process_.err_line("\"event\":\"" + name + "\"")); }
  /// Until it holds nothing for any peer: no descriptor, no child, not even a dead one.
  void wait_until_free() {
    eventually("the listener is free again",
               [&] { return process_.open_descriptors() <= descriptors_ && children_of(process_).empty(); });
  }
  /// The event `finished`.
  json stop() {
    process_.signal(SIGTERM);
    check_end(process_, killed_by(SIGTERM));
    CHECK_FALSE(process_.left_others());
    return event_of(events_in(process_.err()), "finished");
  }

 private:
  static std::vector<std::string> words_with(std::vector<std::string> words, const std::string& endpoint) {
    words.insert(std::find(words.begin(), words.end(), "--"), endpoint);
    return words;
  }
  Process process_;
  std::string port_;
  std::size_t descriptors_ = 0;
};

constexpr auto each_line = "while read line; do echo \"<$line>\"; done";

/// A unix datagram socket that is bound to `path`, or to no name.
UniqueFd unix_socket(const std::string& path, const std::string& peer) {
  UniqueFd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto named = [](const std::string& name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
  };
  if (!path.empty()) {
    const auto own = named(path);
    REQUIRE(bind(fd.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0);
  }
  const auto other = named(peer);
  REQUIRE(connect(fd.get(), reinterpret_cast<const sockaddr*>(&other), sizeof other) == 0);
  return fd;
}

}  // namespace

TEST_SUITE("udp: programs") {
  TEST_CASE("udp exec: 100 peers at once have a program each, and nothing is left after SIGTERM") {
    ProgramServer server({"--sh", "echo $$; exec cat"});
    std::vector<DatagramPeer> peers(100);
    for (std::size_t i = 0; i < peers.size(); ++i)
      peers[i].send("first " + std::to_string(i) + '\n', server.port());
    std::set<std::string> programs;
    for (std::size_t i = 0; i < peers.size(); ++i) {
      programs.insert(peers[i].receive().bytes);
      CHECK(peers[i].receive().bytes == "first " + std::to_string(i) + '\n');
    }
    CHECK(programs.size() == peers.size());
    for (std::size_t i = 0; i < peers.size(); ++i)
      peers[i].send("again " + std::to_string(i) + '\n', server.port());
    for (std::size_t i = 0; i < peers.size(); ++i)
      CHECK(peers[i].receive().bytes == "again " + std::to_string(i) + '\n');
    CHECK(children_of(server.process()).size() == peers.size());
    const auto finished = server.stop();
    CHECK(finished["received"] == 200);
    CHECK(finished["sent"] == 300);
    CHECK(finished["unserved"] == 0);
    for (auto program : programs) {
      program.pop_back();
      CHECK_FALSE(fs::exists("/proc/" + program));
    }
  }

  TEST_CASE("udp exec: a program learns both ends, and that they speak UDP") {
    ProgramServer server(
        {"--sh", "echo $SOCKX_PROTO $SOCKX_PEER_ADDR:$SOCKX_PEER_PORT $SOCKX_LOCAL_ADDR:$SOCKX_LOCAL_PORT"},
        "0");  // of every address: the local one is that of the datagram
    DatagramPeer peer;
    peer.send("x", server.port());
    CHECK(peer.receive().bytes == "udp 127.0.0.1:" + peer.port() + " 127.0.0.1:" + server.port() + '\n');
    const auto closed = server.event("closed");
    CHECK(closed["complete"] == true);
    CHECK(closed["reason"] == "complete");
    CHECK(closed["peer"] == "127.0.0.1:" + peer.port());
    server.wait_until_free();
  }

  TEST_CASE("udp exec: what a program writes is cut into datagrams as --framing says") {
    DatagramPeer peer;
    ProgramServer lines({"--sh", "printf 'one\\ntw'; sleep 0.1; printf 'o\\nrest'"});
    peer.send("x", lines.port());
    CHECK(peer.receive(3) == std::vector<std::string>{"one\n", "two\n", "rest"});
    ProgramServer pieces({"--framing", "size=4", "--sh", "printf 'abcdefghij'"});
    peer.send("x", pieces.port());
    CHECK(peer.receive(3) == std::vector<std::string>{"abcd", "efgh", "ij"});
    ProgramServer counted(
        {"--framing", "len32", "--sh", "printf '\\0\\0\\0\\3abc\\0\\0\\0\\0\\0\\0\\0\\1x'"});
    peer.send("x", counted.port());
    CHECK(peer.receive(3) == std::vector<std::string>{"abc", "", "x"});
    ProgramServer all({"--framing", "all", "--sh", "echo one; echo two"});
    peer.send("x", all.port());
    CHECK(peer.receive(1) == std::vector<std::string>{"one\ntwo\n"});
    ProgramServer broken({"--framing", "len32", "--sh", "printf '\\0\\0\\0\\3a'"});
    peer.send("x", broken.port());
    CHECK(broken.event("closed")["complete"] == false);
    ProgramServer endless({"--sh", "head -c 100000 /dev/zero; sleep 1000"});
    peer.send("x", endless.port());
    const auto closed = endless.event("closed");
    CHECK(contains(closed["reason"], "65507"));
    endless.wait_until_free();
  }

  TEST_CASE("udp exec: datagrams reach the program as they are, one after the other") {
    ProgramServer server({"--datagrams", "4", "--exec", "--", "od", "-An", "-c"});
    DatagramPeer peer;
    for (const auto* const bytes : {"a", "", "b\n", "c"}) peer.send(bytes, server.port());
    CHECK(peer.receive().bytes == "   a   b  \\n   c\n");
    check_end(server.process(), exited(0));
    const auto closed = event_of(events_in(server.process().err()), "closed");
    CHECK(closed["received"] == 4);
    CHECK(closed["received_bytes"] == 4);
    CHECK(closed["sent"] == 1);
  }

  TEST_CASE("udp exec: after --datagrams the programs have the end of their input, and their answers go") {
    ProgramServer server({"--datagrams", "3", "--sh", "cat; echo the end"});
    std::vector<DatagramPeer> peers(3);
    for (auto& peer : peers) peer.send("hello\n", server.port());
    for (auto& peer : peers) CHECK(peer.receive(2) == std::vector<std::string>{"hello\n", "the end\n"});
    check_end(server.process(), exited(0));
    CHECK_FALSE(server.process().left_others());
  }

  TEST_CASE(
      "udp exec: a program that ends is the end of its peer's alone, and the next datagram starts another") {
    ProgramServer server({"--sh", "read word; [ $word = fail ] && exit 3; echo $$ $word; cat"});
    DatagramPeer first, second;
    second.send("stay\n", server.port());
    const auto program = second.receive().bytes;
    first.send("fail\n", server.port());
    const auto closed = server.event("closed");
    CHECK(closed["peer"] == "127.0.0.1:" + first.port());
    CHECK(closed["complete"] == false);
    CHECK(contains(closed["reason"], "sh exited with status 3"));
    first.send("go\n", server.port());
    CHECK(first.receive().bytes.ends_with(" go\n"));
    second.send("still here\n", server.port());
    CHECK(second.receive().bytes == "still here\n");
    CHECK(children_of(server.process()).size() == 2);
    server.stop();
  }

  TEST_CASE("udp exec: a program that cannot be started costs its datagrams alone") {
    ProgramServer server({"--exec", "--", "/nonexistent/program"});
    DatagramPeer peer;
    for (int i = 0; i < 2; ++i) {
      peer.send("x", server.port());
      CHECK(contains(server.event("closed")["reason"], "exec /nonexistent/program: No such file"));
    }
    server.wait_until_free();
    CHECK(server.stop()["unserved"] == 2);
  }

  TEST_CASE("udp exec: a program is ended when it is idle, whether it heeds SIGTERM or not") {
    for (const std::string trap : {"", "trap '' TERM; "}) {
      CAPTURE(trap);
      ProgramServer server(
          {"--idle-timeout", "300ms", "--sh", trap + "echo $$; while :; do sleep 0.05; done"});
      DatagramPeer peer;
      peer.send("x", server.port());
      const auto first = peer.receive().bytes;
      const auto closed = server.event("closed");
      CHECK(closed["complete"] == true);
      CHECK(contains(closed["reason"], "no byte in either direction for 0.3 s"));
      peer.send("x", server.port());
      CHECK(peer.receive().bytes != first);
      server.event("closed");
      server.wait_until_free();
      server.stop();
    }
  }

  TEST_CASE("udp exec: a program that does not read has a bounded queue, and nobody else waits for it") {
    ProgramServer server({"--sh", "read word; echo $word; [ $word = stop ] && exec sleep 1000; cat"});
    DatagramPeer stuck, other;
    stuck.send("stop\n", server.port());
    CHECK(stuck.receive().bytes == "stop\n");
    const auto before = server.process().peak_memory();
    const std::string large(60'000, 'x');
    for (int i = 0; i < 1000; ++i) {
      stuck.send(large, server.port());
      if (i % 100 != 0) continue;
      other.send("hello\n", server.port());
      CHECK(other.receive().bytes == "hello\n");
    }
    if (!is_sanitized()) CHECK(server.process().peak_memory() < before + 20'000);  // KiB; 60 MB were sent
    const auto finished = server.stop();
    CHECK(finished["unserved"] > 0);
  }

  TEST_CASE("udp exec: a program that closes its output goes on reading") {
    const Folder folder;
    ProgramServer server(
        {"--idle-timeout", "1h", "--datagrams", "3", "--sh", "exec cat > " + (folder / "log")});
    DatagramPeer peer;
    for (int i = 0; i < 3; ++i) peer.send(std::to_string(i) + '\n', server.port());
    check_end(server.process(), exited(0));
    CHECK(read_file(folder / "log") == "0\n1\n2\n");
  }

  TEST_CASE("udp exec: no more programs than --max-conns run, and a place is free once its program is gone") {
    ProgramServer server({"--max-conns", "2", "--sh", each_line});
    DatagramPeer first, second, third;
    for (auto* const peer : {&first, &second}) {
      peer->send("here\n", server.port());
      CHECK(peer->receive().bytes == "<here>\n");
    }
    third.send("lost\n", server.port());
    CHECK(contains(server.event("shortage")["reason"], "2 programs"));
    const auto program = children_of(server.process()).at(0);
    kill(std::stoi(program), SIGKILL);
    server.event("closed");
    third.send("now\n", server.port());
    CHECK(third.receive().bytes == "<now>\n");
    CHECK(children_of(server.process()).size() == 2);
    CHECK(server.stop()["unserved"] == 1);
  }

  TEST_CASE("udp exec: it ends within a second or two, however many programs do not heed their end") {
    ProgramServer server({"--sh", "trap '' TERM; echo here; while :; do sleep 0.1; done"});
    std::vector<DatagramPeer> peers(20);
    for (auto& peer : peers) peer.send("x", server.port());
    for (auto& peer : peers) CHECK(peer.receive().bytes == "here\n");
    const auto begun = std::chrono::steady_clock::now();
    server.stop();
    CHECK(std::chrono::steady_clock::now() - begun < 15s);  // one after the other would take twenty
  }

  TEST_CASE("udp exec: a peer that refuses an answer has its program ended") {
    std::string name;
    ProgramServer answering({"--sh", "while read line; do echo answer; done"});
    {
      DatagramPeer peer;
      name = "127.0.0.1:" + peer.port();
      answering.process().signal(SIGSTOP);
      peer.send("1\n", answering.port());
    }
    answering.process().signal(SIGCONT);
    const auto closed = answering.event("closed");
    CHECK(closed["peer"] == name);
    CHECK(contains(closed["reason"], "Connection refused"));
    answering.wait_until_free();
  }

  TEST_CASE("udp exec: a forged own address starts no program, and answers have a bounded rate") {
    const Namespace net("ip link set lo up");
    if (!net.works()) return;
    Process server(
        net.within(sockx({"--json", "udp", "--listen", "--answer-rate", "1pps", "--sh", "yes", "9000"})));
    server.err_line("\"listening\"");
    Process forger(
        net.within({"python3", "-c",
                    "import socket,struct\n"
                    "raw=socket.socket(socket.AF_INET,socket.SOCK_RAW,socket.IPPROTO_RAW)\n"
                    "for port in [9000,7,19]:\n"
                    " udp=struct.pack('>HHHH',port,9000,9,0)+b'x'\n"
                    " ip=struct.pack('>BBHHHBBH4s4s',0x45,0,29,1,0,64,17,0,socket.inet_aton('127.0.0.1'),"
                    "socket.inet_aton('127.0.0.1'))\n"
                    " raw.sendto(ip+udp,('127.0.0.1',0))\n"}));
    check_end(forger, exited(0));
    Process client(net.within({"python3", "-c",
                               "import socket\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\n"
                               "s.settimeout(60)\ns.sendto(b'x',('127.0.0.1',9000))\n"
                               "for i in range(100): s.recv(100)\nprint('came',flush=True)\ninput()"}),
                   {Stdio::pipe()});
    client.out_line("came");
    server.err_line("--answer-rate allows");
    server.signal(SIGTERM);
    check_end(server, killed_by(SIGTERM));
    const auto events = events_in(server.err());
    CHECK(event_of(events, "accepted")["number"] == 1);
    const auto finished = event_of(events, "finished");
    CHECK(finished["sent"] <= 1100);  // 1000 at once
    CHECK(finished["unanswered"] > 3);
  }

  TEST_CASE("udp exec: unix peers with a name have a program, those without one have none") {
    const Folder folder;
    const auto path = folder / "socket";
    ProgramServer server({"--sh", "echo $SOCKX_PROTO $SOCKX_PEER_ADDR; cat"}, "unix:" + path);
    const auto unnamed = unix_socket("", path), named = unix_socket(folder / "peer", path);
    REQUIRE(send(unnamed.get(), "x", 1, 0) == 1);
    const std::string large = std::string(100'000, 'x') + '\n';
    REQUIRE(send(named.get(), "hello\n", 6, 0) == 6);
    std::string bytes(200'000, '\0');
    const auto receive = [&] {
      const auto got = recv(named.get(), bytes.data(), bytes.size(), 0);
      REQUIRE(got >= 0);
      return bytes.substr(0, static_cast<std::size_t>(got));
    };
    CHECK(receive() == "unix " + (folder / "peer") + '\n');
    CHECK(receive() == "hello\n");
    REQUIRE(send(named.get(), large.data(), large.size(), 0) == static_cast<ssize_t>(large.size()));
    CHECK(receive() == large);
    const auto finished = server.stop();
    CHECK(finished["unanswered"] == 1);
    CHECK(contains(server.process().err(), "has no address"));
    CHECK(event_of(events_in(server.process().err()), "accepted")["number"] == 1);
  }

  TEST_CASE("udp exec: who is not allowed starts no program") {
    ProgramServer server({"--deny", "127.0.0.1", "--datagrams", "1", "--sh", each_line}, "0");
    DatagramPeer denied, served(AF_INET6);
    denied.send("x\n", server.port());
    server.event("refused");
    served.send("y\n", server.port());
    CHECK(served.receive().bytes == "<y>\n");
    check_end(server.process(), exited(0));
    CHECK(event_of(events_in(server.process().err()), "accepted")["peer"] == "[::1]:" + served.port());
  }
}

}  // namespace test

// The exit status, row by row of the table in sockx(1), and the one line that explains it.
#include <vector>

#include "../support/namespace.hpp"
#include "../support/peer.hpp"
#include "../support/sockx.hpp"

namespace test {

namespace {

TEST_CASE("status 2: what was typed is wrong, and the line quotes it and says what would be right") {
  struct Row {
    std::vector<std::string> words;
    std::string said;
  };
  const std::vector<Row> rows{
      {{"listen", "99999"}, "'99999': a port is a number from 0 to 65535"},
      {{"connect", "127.0.0.1", "99999"}, "'99999'"},
      {{"listen", "http2"}, "'http2': no such service"},
      {{"connect", "127.0.0.1", "htttp"}, "did you mean http?"},
      {{"connect", "", "80"}, "the host is empty"},
      {{"connect", ":80"}, "the host is empty"},
      {{"connect", "::1:80"}, "[::1]:80"},
      {{"connect", "localhost"}, "the port is missing"},
      {{"connect", "80"}, "the host is missing"},
      {{"connect", "127.0.0.1", "0"}, "port 0"},
      {{"connect", "a", "80", "c"}, "one word too many"},
      {{"connect"}, "HOST PORT"},
      {{"connect", "--untill", "peer", "a", "80"}, "did you mean --until?"},
      {{"connect", "--until", "never", "a", "80"}, "say both, local, peer or either"},
      {{"connect", "--idle-timeout", "soon", "a", "80"}, "--idle-timeout: 'soon': a duration is"},
      {{"recv-file", "--size", "big", "0"}, "--size: 'big': a size is"},
      {{"recv-file", "--discard", "-o", "x", "0"}, "--discard"},
      {{"recv-file", "--keep-open", "-o", "x", "0"}, "-o file-%n"},
      {{"recv-file", "--no-clobber", "0"}, "needs -o FILE"},
      {{"send-file", "a", "b", "127.0.0.1:80"}, "one FILE at a time"},
      {{"send-file", "127.0.0.1:80"}, "say FILE HOST PORT"},
      {{"send-file"}, "say FILE HOST PORT; see"},
      {{"send-file", "--compare"}, "say --compare FILE [HOST PORT]; see"},
      {{"send-file", "--method", "teleport", "a", "127.0.0.1:80"}, "say auto, "},
      {{"lisen", "80"}, "did you mean listen?"},
      {{"sendfile", "a", "b"}, "did you mean send-file?"},
      {{}, "say a subcommand"},
      {{"-l", "80"}, "sockx listen"},
      {{"listen", "-l", "80"}, "-l: use `sockx listen"},
      {{"listen", "-p", "80"}, "-p"},
      {{"connect", "-z", "a", "80"}, "-z"},
      {{"connect", "-u", "a", "80"}, "-u"},
      {{"connect", "-N", "a", "80"}, "-N"},
      {{"connect", "-e", "cat", "a", "80"}, "-e"},
  };
  for (const auto& row : rows) {
    Process process(sockx(row.words));
    check_failure(process, 2, row.said);
    CHECK(process.out().empty());
  }
}

TEST_CASE("status 2: -w without a number is told from nc's, and --numeric takes no name") {
  Process without(sockx({"connect", "-w", "soon", "127.0.0.1", "80"}));
  check_failure(without, 2, "a duration is");
  Process name(sockx({"connect", "--numeric", "localhost", "80"}));
  check_failure(name, 3, "localhost");
}

TEST_CASE("status 3: the name is not known") {
  const Namespace without_dns("");
  if (!without_dns.works()) return;
  for (const auto* command : {"connect", "listen"}) {
    Process process(without_dns.within(sockx({command, "no-such-host.invalid", "80"})));
    check_failure(process, 3, "sockx: getaddrinfo no-such-host.invalid: EAI_");
  }
}

TEST_CASE("status 4: refused, over TCP and where no unix socket is") {
  const HeldPort nobody;
  Process tcp(sockx({"connect", "127.0.0.1", nobody.port()}));
  check_failure(tcp, 4, "Connection refused");
  const Folder folder;
  Process unix_socket(sockx({"connect", "unix:" + (folder / "nobody")}));
  check_failure(unix_socket, 4, "No such file");
  write_file(folder / "file", "x");
  Process sender(sockx({"send-file", folder / "file", "127.0.0.1", nobody.port()}));
  check_failure(sender, 4, "Connection refused");
}

TEST_CASE("status 5: the listener's queue is full, and it does not answer") {
  PeerListener listener(0);
  std::vector<Peer> waiting;
  waiting.push_back(Peer::connect(listener.port()));  // takes the only place
  Process process(sockx({"connect", "--connect-timeout", "200ms", "127.0.0.1", listener.port()}));
  check_failure(process, 5, "connect 127.0.0.1:" + listener.port() + ": timed out");
}

TEST_CASE("status 2: a verified transfer that cannot come about is refused before anybody is asked") {
  const Folder folder;
  const auto file = write_file(folder / "file", "content");
  struct Row {
    std::vector<std::string> words;
    std::string said;
  };
  const std::vector<Row> rows{
      {{"--name", "x", folder.path(), "127.0.0.1:9"}, "--name 'x': it is for one FILE"},
      {{"--name", "../x", file, "127.0.0.1:9"}, "--name '../x'"},
      {{"--name", "x", file, folder / "other", "127.0.0.1:9"}, "--name 'x': there is one name for 2 FILEs"},
      {{"--method", "zerocopy", file, "127.0.0.1:9"}, "--method zerocopy: with --verified"},
      {{"--streams", "2", file, "fd:7"}, "--streams 2: 'fd:7' is a single connection"},
      {{"--streams", "2", "--source", ":7777", file, "127.0.0.1:9"},
       "only one connection can come from ':7777'"},
  };
  for (const auto& row : rows) {
    Process process(sockx(std::vector<std::string>{"send-file", "--verified"} + row.words));
    check_failure(process, 2, row.said);
  }
}

TEST_CASE("status 11: what cannot be read or written is told before anybody comes or is asked") {
  const Folder folder;
  const auto file = write_file(folder / "file", "content");
  const auto none = folder / "none";
  struct Row {
    std::vector<std::string> words;
    std::string culprit;
  };
  const std::vector<Row> rows{
      {{"recv-file", "-o", none + "/file", "127.0.0.1:0"}, none},
      {{"recv-file", "--keep-open", "-o", none + "/%n", "127.0.0.1:0"}, none},
      {{"recv-file", "--verified", "--output-dir", none, "127.0.0.1:0"}, none},
      {{"recv-file", "--verified", "--output-dir", file, "127.0.0.1:0"}, file},
      {{"recv-file", "--verified", "-o", none + "/file", "127.0.0.1:0"}, none},
      {{"send-file", "--verified", "--listen", file, none, "127.0.0.1:0"}, none},
  };
  for (const auto& row : rows) {
    Process process(sockx(row.words));
    check_failure(process, 11, row.culprit);
  }
}

TEST_CASE("status 5: nobody comes") {
  for (const auto* command : {"listen", "recv-file"}) {
    Process process(sockx({command, "--accept-timeout", "50ms", "127.0.0.1", "0"}));
    check_failure(process, 5, "accept");
  }
}

TEST_CASE("status 5: no byte moves either way") {
  PeerListener listener;
  Process connecting(sockx({"connect", "--idle-timeout", "100ms", "127.0.0.1", listener.port()}),
                     {Stdio::pipe()});
  auto peer = listener.accept();
  check_failure(connecting, 5, "no byte in either direction for 0.1 s");

  Process receiving(sockx({"recv-file", "--discard", "--idle-timeout", "100ms", "127.0.0.1", "0"}));
  auto sender = Peer::connect(port_of(receiving));
  check_failure(receiving, 5, "no byte in either direction");
}

TEST_CASE("status 5: the whole run has taken too long, although bytes are moving") {
  PeerListener listener;
  Process process(sockx({"connect", "--deadline", "200ms", "127.0.0.1", listener.port()}), {Stdio::pipe()});
  auto peer = listener.accept();
  peer.send("I am here");
  check_failure(process, 5, "deadline");
  CHECK(process.out() == "I am here");
}

TEST_CASE("status 5: the second direction does not end within --eof-timeout") {
  PeerListener listener;
  Process process(sockx({"connect", "--eof-timeout", "100ms", "127.0.0.1", listener.port()}));
  auto peer = listener.accept();
  check_failure(process, 5, "has not ended 0.1 s after stdin did");
}

TEST_CASE("status 6: there is no way to the host") {
  const Namespace network("ip route add blackhole 192.0.2.0/24; ip route add unreachable 198.51.100.0/24");
  if (!network.works()) return;
  for (const auto* host : {"192.0.2.1", "198.51.100.1", "203.0.113.1", "[2001:db8::1]"}) {
    Process process(network.within(sockx({"connect", std::string(host) + ":80"})));
    check_failure(process, 6, "connect");
  }
}

TEST_CASE("status 7: the peer resets, whatever the command") {
  PeerListener listener;
  Process connecting(sockx({"connect", "127.0.0.1", listener.port()}), {Stdio::pipe()});
  auto server = listener.accept();
  server.send("hello\n");
  CHECK(connecting.out_line() == "hello");
  server.reset();
  check_failure(connecting, 7, "Connection reset by peer");

  for (const auto& words : {sockx({"listen", "127.0.0.1", "0"}), sockx({"recv-file", "127.0.0.1", "0"})}) {
    Process process(words, {Stdio::pipe()});
    auto client = Peer::connect(port_of(process));
    client.send("hello\n");
    CHECK(process.out_line() == "hello");
    client.reset();
    check_end(process, exited(7));
    CHECK(contains(process.err(), "Connection reset by peer"));
  }

  Process sending(sockx({"send-file", "/dev/zero", "127.0.0.1", listener.port()}));
  auto taker = listener.accept();
  CHECK(taker.receive(1000).size() == 1000);
  taker.reset();
  check_end(sending, exited(7));
  CHECK(contains(sending.err(), "sockx: "));
}

TEST_CASE("status 8: the port is in use, or not ours to take") {
  PeerListener listener;
  for (const auto* command : {"listen", "recv-file"}) {
    Process process(sockx({command, "127.0.0.1", listener.port()}));
    check_failure(process, 8, "bind 127.0.0.1:" + listener.port() + ": Address already in use");
  }
  Process elsewhere(sockx({"listen", "192.0.2.1", "0"}));
  check_failure(elsewhere, 8, "Cannot assign requested address");
}

TEST_CASE("status 9: fewer or more bytes than --size says, and a file that has become shorter") {
  struct Row {
    std::string sent;
    std::vector<std::string> options;
    std::string said;
  };
  const std::vector<Row> rows{
      {"four", {"--size", "5"}, "4 of 5 bytes arrived"},
      {"four", {"--size", "3"}, "more than the 3 bytes that were expected"},
      {"four", {"--max-size", "3"}, "more than the 3 bytes that are allowed"},
      {"", {"--size", "1"}, "0 of 1 byte arrived"},
  };
  for (const auto& row : rows) {
    const Folder folder;
    Process process(sockx({"recv-file", "-o", folder / "file", "127.0.0.1", "0"}) + row.options);
    auto peer = Peer::connect(port_of(process));
    peer.send(row.sent);
    peer.finish();
    CHECK(peer.ends_by_reset());
    check_end(process, exited(9));
    CHECK(contains(process.err(), "sockx: "));
    CHECK(contains(process.err(), row.said));
    CHECK(lines_of(process.err()).size() == 1);
    CHECK(folder.size() == 0);
  }
}

TEST_CASE("status 9 wins over 7 and 5 when the length was known") {
  const Folder folder;
  const auto words = sockx(
      {"recv-file", "--size", "10", "--idle-timeout", "150ms", "-o", folder / "file", "127.0.0.1", "0"});
  Process reset(words);
  auto first = Peer::connect(port_of(reset));
  first.send("12345");
  first.reset();
  check_failure(reset, 9, "of 10 bytes arrived");

  Process idle(words);
  auto second = Peer::connect(port_of(idle));
  second.send("12345");
  check_failure(idle, 9, "5 of 10 bytes arrived");
  CHECK(folder.size() == 0);
}

TEST_CASE("status 11: a local file cannot be read or written") {
  const Folder folder;
  PeerListener listener;
  struct Row {
    std::vector<std::string> words;
    std::string said;
  };
  const std::vector<Row> rows{
      {{"send-file", folder / "missing", "127.0.0.1", listener.port()}, "No such file or directory"},
      {{"send-file", folder.path(), "127.0.0.1", listener.port()}, "Is a directory"},
      {{"recv-file", "-o", folder.path(), "127.0.0.1", "0"}, "Is a directory"},
      {{"listen", "--port-file", folder / "no/such/file", "127.0.0.1", "0"}, "No such file or directory"},
      {{"listen", "--log-file", folder.path(), "127.0.0.1", "0"}, "Is a directory"},
      {{"listen", "--events", folder / "no/such/file", "127.0.0.1", "0"}, "No such file or directory"},
  };
  for (const auto& row : rows) {
    Process process(sockx(row.words));
    check_failure(process, 11, row.said);
  }
}

TEST_CASE("status 11: where a file cannot be made, the sender learns it") {
  const Folder folder;
  write_file(folder / "content", noise(1'000'000));
  for (const auto& target : {folder / "late", folder / "gone/file"}) {
    fs::create_directory(folder / "gone");
    Process receiving(sockx({"recv-file", "-o", target, "127.0.0.1", "0"}));
    const auto port = port_of(receiving);
    fs::remove(folder / "gone");
    fs::create_directory(folder / "late");
    Process sending(sockx({"send-file", folder / "content", "127.0.0.1", port}));
    check_failure(receiving, 11);
    check_end(sending, exited(7));
  }
}

TEST_CASE("status 11: where a file cannot be made, even the sender of an empty one learns it") {
  const Folder folder;
  Process receiving(sockx({"recv-file", "-o", folder / "late", "127.0.0.1", "0"}));
  const auto port = port_of(receiving);
  fs::create_directory(folder / "late");
  Process sending(sockx({"send-file", "/dev/null", "127.0.0.1", port}));
  check_end(receiving, exited(11));
  check_end(sending, exited(7));
}

TEST_CASE("status 11: the disk is full, and nothing is left of the file") {
  const Folder folder;
  const Namespace small_disk("mount -t tmpfs -o size=1m none " + folder.path());
  if (!small_disk.works()) return;
  Process process(small_disk.within(sockx({"recv-file", "-o", folder / "file", "127.0.0.1", "0"})));
  const auto port = port_of(process);
  Process sender(small_disk.within(sockx({"send-file", "/dev/zero", "127.0.0.1", port, "--count", "4Mi"})));
  check_failure(process, 11, "No space left on device");
  check_end(sender, exited(7));
  CHECK(run(small_disk.within({"ls", "-A", folder.path()})).empty());
}

}  // namespace

}  // namespace test

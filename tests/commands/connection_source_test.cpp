// Either side of a transfer may listen: send-file --listen and recv-file --connect.
#include <signal.h>

#include "../support/server.hpp"

namespace test {

namespace {

using Words = std::vector<std::string>;

/// send-file --listen of `file`, and where it does.
class ListeningSender {
 public:
  explicit ListeningSender(const std::string& file, const Words& more = {},
                           const std::string& endpoint = "127.0.0.1:0", const Process::Options& options = {})
      : process(sockx({"--json", "send-file", "--listen"}) + more + Words{file, endpoint}, options),
        endpoint_(json::parse(process.out_line("\"event\":\"listening\"")).at("address")) {}
  const std::string& endpoint() const { return endpoint_; }
  Peer connect() const { return connect_to(endpoint_); }

  Process process;

 private:
  std::string endpoint_;
};

/// A file so large that no buffers of a connection hold it.
std::string large_file(const Folder& folder) {
  auto path = write_file(folder / "large", "");
  fs::resize_file(path, 200'000'000);
  return path;
}

TEST_CASE("send-file --listen, recv-file --connect: a file arrives whole, over every family") {
  const Folder folder;
  const auto content = noise(3'000'001);
  const auto file = write_file(folder / "file", content);
  for (const auto& endpoint : {std::string("127.0.0.1:0"), std::string("[::1]:0"), std::string("0"),
                               "unix:" + (folder / "socket"), std::string("unix:@sockx-meeting-test")}) {
    CAPTURE(endpoint);
    ListeningSender sending(file, {}, endpoint);
    auto where = sending.endpoint();
    if (endpoint == "0") where = "localhost:" + where.substr(where.rfind(':') + 1);
    const auto told = run(sockx({"recv-file", "--connect", where, "-o", folder / "copy"}));
    check_end(sending.process, exited(0));
    CHECK(told.starts_with("received 3000001 bytes from "));
    CHECK(difference(read_file(folder / "copy"), content) == "");
    const auto sent = event_of(events_in(sending.process.out()), "sent");
    CHECK(sent.at("complete") == true);
    CHECK(sent.at("bytes") == 3'000'001);
    fs::remove(folder / "copy");
    CHECK(folder.size() == 1);  // no socket, no temporary file
  }
}

TEST_CASE(
    "recv-file --connect: the endpoint may be two words, and to standard output a stream comes through") {
  const auto content = noise(2'000'000);
  Process sending(sockx({"send-file", "--listen", "-", "127.0.0.1:0"}), {Stdio::pipe()});
  const auto port = port_of(sending);
  sending.feed(content);
  CHECK(difference(run(sockx({"recv-file", "--connect", "127.0.0.1", port})), content) == "");
  check_end(sending, exited(0));
}

TEST_CASE("recv-file --connect: a socket that was inherited") {
  const Folder folder;
  PeerListener listener;
  const auto dialed = Peer::connect(listener.port());
  auto peer = listener.accept();
  Process receiving(sockx({"recv-file", "--connect", "fd:" + std::to_string(dialed.fd())}),
                    {.inherited = {dialed.fd()}});
  peer.send("content");
  peer.finish();
  check_end(receiving, exited(0));
  CHECK(receiving.out() == "content");
}

TEST_CASE("send-file --listen: takes one receiver, any other comes too late, and --port-file tells where") {
  const Folder folder;
  const auto file = write_file(folder / "file", "content");
  Process sending(sockx({"send-file", "--listen", "--port-file", folder / "port", file, "127.0.0.1:0"}));
  const auto port = port_in(folder / "port");
  auto peer = Peer::connect(port);
  CHECK(peer.receive_all() == "content");
  CHECK_THROWS_WITH(Peer::connect(port), doctest::Contains("Connection refused"));
  CHECK(sending.is_running());
  peer.close();
  check_end(sending, exited(0));
}

TEST_CASE("send-file --listen: status 0 only when the receiver took everything") {
  const Folder folder;
  const auto file = large_file(folder);
  {
    ListeningSender sending(file);
    auto peer = sending.connect();
    CHECK(peer.receive(100'000).size() == 100'000);
    peer.close();  // with unread input: a reset
    check_end(sending.process, exited(7));
  }
  ListeningSender sending(file);
  Process failing(sockx({"recv-file", "-o", "/dev/full", "--connect", sending.endpoint()}));
  check_failure(failing, 11, "No space left on device");
  check_end(sending.process, exited(7));
}

TEST_CASE("a sender that listened and is killed never looks like the end of a file") {
  const Folder folder;
  const auto file = large_file(folder);
  for (const int number : {SIGKILL, SIGTERM}) {
    CAPTURE(number);
    ListeningSender sending(file, {"--rate", "5M"});
    Process receiving(sockx({"recv-file", "-o", folder / "copy", "--connect", sending.endpoint()}));
    eventually("bytes in the temporary file", [&] {
      for (const auto& entry : fs::directory_iterator(folder.path()))
        if (entry.path() != file && entry.file_size() > 0) return true;
      return false;
    });
    sending.process.signal(number);
    check_end(sending.process, killed_by(number));
    check_failure(receiving, 7, "Connection reset by peer");
    CHECK(folder.size() == 1);
  }
}

TEST_CASE("a receiver that dialed and fails shows as a reset, and a full disk is its own reason") {
  PeerListener listener;
  Process receiving(sockx({"recv-file", "-o", "/dev/full", "--connect", "127.0.0.1:" + listener.port()}));
  auto peer = listener.accept();
  peer.send("content");
  CHECK(peer.ends_by_reset());
  check_failure(receiving, 11, "No space left on device");
}

TEST_CASE("send-file --listen: nobody comes, within --accept-timeout or --deadline") {
  const Folder folder;
  const auto file = write_file(folder / "file", "content");
  for (const auto* limit : {"--accept-timeout", "--deadline"}) {
    Process sending(sockx({"send-file", "--listen", limit, "50ms", file, "127.0.0.1:0"}));
    check_failure(sending, 5);
  }
}

TEST_CASE("recv-file --connect: refused is 4, and --wait-for reaches a sender that comes late") {
  HeldPort port;
  const auto where = "127.0.0.1:" + port.port();
  Process refused(sockx({"recv-file", "--connect", where}));
  check_failure(refused, 4, "connect " + where + ": Connection refused");
  Process bounded(sockx({"recv-file", "--connect", "--wait-for", "1h", "--deadline", "100ms", where}));
  check_failure(bounded, 5, "the deadline has passed");
  Process waiting(
      sockx({"recv-file", "-v", "--connect", "--wait-for", "20s", "--retry-delay", "20ms", where}));
  waiting.err_line("attempt 2 failed: connect " + where + ": Connection refused");
  auto peer = port.listen_now().accept();
  peer.send("content");
  peer.finish();
  check_end(waiting, exited(0));
  CHECK(waiting.out() == "content");
}

TEST_CASE("--idle-timeout: 5, and 9 where the length was known, whoever listens and whoever sends") {
  const Folder folder;
  const auto file = large_file(folder);
  const Words limit{"--idle-timeout", "150ms"};
  PeerListener listener;
  const auto where = "127.0.0.1:" + listener.port();
  {
    ListeningSender known(file, limit), stream("-", limit, "127.0.0.1:0", {Stdio::pipe()});
    const auto one = known.connect(), other = stream.connect();
    check_end(known.process, exited(9));
    CHECK(contains(known.process.err(), "of 200000000 bytes were sent: no byte in either direction"));
    check_end(stream.process, exited(5));
  }
  {
    Process known(sockx({"send-file"}) + limit + Words{file, where});
    const auto one = listener.accept();
    check_failure(known, 9, "of 200000000 bytes were sent: no byte in either direction");
    Process stream(sockx({"send-file"}) + limit + Words{"-", where}, {Stdio::pipe()});
    const auto other = listener.accept();
    check_failure(stream, 5, "no byte in either direction");
  }
  for (const bool dials : {false, true}) {
    CAPTURE(dials);
    for (const bool is_known : {false, true}) {
      auto words = sockx({"recv-file", "--discard"}) + limit;
      if (is_known) words = words + Words{"--size", "10"};
      Process receiving(words + (dials ? Words{"--connect", where} : Words{"127.0.0.1:0"}));
      auto peer = dials ? listener.accept() : Peer::connect(port_of(receiving));
      peer.send("abc");
      check_failure(receiving, is_known ? 9 : 5, is_known ? "3 of 10 bytes arrived: no byte" : "no byte");
    }
  }
}

TEST_CASE("--idle-timeout, --eof-timeout: a listening sender waits no longer for the end than it is told") {
  const Folder folder;
  const auto file = write_file(folder / "file", "content");
  for (const auto* limit : {"--idle-timeout", "--eof-timeout"}) {
    ListeningSender sending(file, {limit, "150ms"});
    auto peer = sending.connect();
    CHECK(peer.receive_all() == "content");
    check_end(sending.process, exited(5));  // everything was sent, so that nothing is short
  }
}

TEST_CASE("--listen, --connect: what is only for the other way is status 2") {
  struct Row {
    Words words;
    std::string said;
  };
  const std::vector<Row> rows{
      {{"send-file", "--listen", "--retry", "3", "a", "0"}, "--retry"},
      {{"send-file", "--listen", "--wait-for", "3", "a", "0"}, "--wait-for"},
      {{"send-file", "--listen", "--connect-timeout", "3", "a", "0"}, "--connect-timeout"},
      {{"send-file", "--listen", "--compare", "a"}, "--compare"},
      {{"send-file", "--backlog", "3", "a", "127.0.0.1:80"}, "--backlog"},
      {{"send-file", "--port-file", "p", "a", "127.0.0.1:80"}, "--port-file"},
      {{"send-file", "--accept-timeout", "3", "a", "127.0.0.1:80"}, "--accept-timeout"},
      {{"send-file", "--listen", "a", "127.0.0.1", "0"}, "the endpoint is one word, PORT or HOST:PORT"},
      {{"send-file", "--listen", "a"}, "'a': say FILE PORT or FILE HOST:PORT"},
      {{"send-file", "--listen"}, "say --listen FILE PORT; see"},
      {{"send-file", "--listen", "a", "99999"}, "'99999': a port is a number from 0 to 65535"},
      {{"send-file", "a", "b", "127.0.0.1", "80"}, "'b': send one FILE at a time"},
      {{"send-file", "--opt", "defer_accept=3", "/dev/null", "127.0.0.1:80"}, "'defer_accept=3'"},
      {{"send-file", "--listen", "--opt", "syncnt=2", "/dev/null", "0"}, "'syncnt=2'"},
      {{"recv-file", "--connect", "--keep-open", "--discard", "127.0.0.1:80"}, "--keep-open"},
      {{"recv-file", "--connect", "--backlog", "3", "127.0.0.1:80"}, "--backlog"},
      {{"recv-file", "--connect", "--port-file", "p", "127.0.0.1:80"}, "--port-file"},
      {{"recv-file", "--connect", "--accept-timeout", "3", "127.0.0.1:80"}, "--accept-timeout"},
      {{"recv-file", "--retry", "3", "0"}, "--retry"},
      {{"recv-file", "--retry-delay", "3", "0"}, "--retry-delay"},
      {{"recv-file", "-w", "3", "0"}, "--connect-timeout"},
      {{"recv-file", "--connect", "80"}, "the host is missing"},
  };
  for (const auto& row : rows) {
    Process process(sockx(row.words));
    check_failure(process, 2, row.said);
  }
}

}  // namespace

}  // namespace test

// What is said where nobody can take it: full devices and readers that have left, before the end or at it.
#include <signal.h>

#include <algorithm>

#include "../support/descriptors.hpp"
#include "../support/events.hpp"
#include "../support/peer.hpp"

namespace test {

namespace {

/// A server, and whether its events go to standard output, where it has no payload.
struct ServerRow {
  std::vector<std::string> words;
  bool tells_on_output = true;
};

const std::vector<ServerRow> servers{
    {{"listen", "-k", "--handler", "echo", "127.0.0.1", "0"}},
    {{"listen", "-k", "--handler", "upper", "127.0.0.1", "0"}},
    {{"listen", "-k", "--handler", "discard", "127.0.0.1", "0"}},
    {{"listen", "-k", "--handler", "chargen", "127.0.0.1", "0"}},
    {{"listen", "-k", "--handler", "daytime", "127.0.0.1", "0"}},
    {{"listen", "-k", "--broker", "127.0.0.1", "0"}},
    {{"listen", "-k", "--chat", "127.0.0.1", "0"}, false},
    {{"listen", "-k", "--handler", "stdio", "127.0.0.1", "0"}, false},
    {{"listen", "-k", "--sh", "cat", "127.0.0.1", "0"}},
    {{"listen", "-k", "--send", "/etc/services", "127.0.0.1", "0"}},
    {{"listen", "-k", "--max-conns", "1", "--reject", "--handler", "echo", "127.0.0.1", "0"}},
    {{"listen", "-k", "--handler", "echo", "--deny", "127.0.0.1", "127.0.0.1", "0"}},
    {{"listen", "-k", "--handler", "echo", "--workers", "2", "127.0.0.1", "0"}},
    {{"recv-file", "-k", "--discard", "127.0.0.1", "0"}},
};

/// Somebody who speaks and leaves; what the server makes of that is not looked at.
void visit(const std::string& port) {
  try {
    auto peer = Peer::connect(port);
    peer.send("hello\n");
  } catch (const std::system_error&) {
    return;
  }
}

void check_echo_through(Peer& client, Peer& far) {
  client.send("hello");
  CHECK(far.receive(5) == "hello");
  far.send("world");
  CHECK(client.receive(5) == "world");
}

/// Until it has ended: the events of visits fail.
void visit_until_end(const Process& server, const std::string& port) {
  eventually("the server ends", [&] {
    visit(port);
    return !server.is_running();
  });
}

TEST_CASE("--json: a server whose events have no reader any more dies by SIGPIPE, whichever it is") {
  for (const auto& [words, tells_on_output] : servers) {
    if (!tells_on_output) continue;
    auto [read_end, write_end] = make_pipe_ends(0);
    Process server(sockx({"--json"}) + words, {Stdio::pipe(), Stdio::given(write_end.get())});
    write_end.reset();
    CAPTURE(server.command());
    const auto port = port_of(server);
    read_end.reset();
    visit_until_end(server, port);
    check_end(server, killed_by(SIGPIPE));
    CHECK_FALSE(contains(server.err(), "terminate"));
  }
}

TEST_CASE("--json: a server whose events find no room ends with 11 at whichever event that is") {
  const Folder folder;
  for (const auto& [words, tells_on_output] : servers) {
    if (!tells_on_output) continue;
    for (const std::string room : {"0", "200", "400", "600"}) {
      Process server(std::vector<std::string>{"prlimit", "--fsize=" + room, sockx_binary(), "--json"} + words,
                     {Stdio::pipe(), Stdio::output(folder / "events")});
      CAPTURE(server.command());
      std::string port;  // empty where the event that finds no room comes before
      eventually("it listens or has ended", [&] {
        port = port_in_state(server, tcp_listen);
        return !port.empty() || !server.is_running();
      });
      if (!port.empty()) visit_until_end(server, port);
      check_end(server, exited(11));
      const auto error = json::parse(server.err_line("\"event\":\"error\""));
      CHECK(error.at("message") == "write stdout: File too large");
    }
  }
}

TEST_CASE("help without a reader is death by SIGPIPE, without a word") {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"--help"}, {"--version"}, {"udp", "--help"}}) {
    auto [read_end, write_end] = make_pipe_ends(0);
    read_end.reset();
    Process asking(sockx(words), {.out = Stdio::given(write_end.get())});
    check_end(asking, killed_by(SIGPIPE));
    CHECK(asking.err().empty());
  }
}

TEST_CASE("--events on a full disk: every server says so once, and goes on") {
  const Folder folder;
  for (const auto& [words, tells_on_output] : servers) {
    Process server(sockx({"--events", "/dev/full"}) + words, {Stdio::pipe()});
    CAPTURE(server.command());
    const auto port = port_of(server);
    for (int visits = 0; visits < 3; ++visits) visit(port);
    REQUIRE(server.is_running());
    server.signal(SIGTERM);
    check_end(server, killed_by(SIGTERM));
    const std::string warning = "sockx: warning: write /dev/full: No space left on device: lines are lost\n";
    const auto first = server.err().find(warning);
    CHECK(first != std::string::npos);
    const bool has_workers = std::ranges::find(words, "--workers") != words.end();  // each says so
    if (!has_workers) CHECK(server.err().find(warning, first + 1) == std::string::npos);
    CHECK_FALSE(contains(server.err(), "terminate"));
  }
}

TEST_CASE("--events on a full disk: one conversation, udp and a forward go on as well") {
  const std::string warning = "write /dev/full: No space left on device: lines are lost";
  PeerListener target;
  Process server(sockx({"--events", "/dev/full", "listen", "-k", "--forward", "127.0.0.1:" + target.port(),
                        "127.0.0.1", "0"}));
  auto client = Peer::connect(port_of(server));
  auto far = target.accept();
  check_echo_through(client, far);
  server.signal(SIGTERM);
  check_end(server, killed_by(SIGTERM));
  CHECK(contains(server.err(), warning));

  Process connecting(
      sockx({"connect", "--events", "/dev/full", "--line", "hello", "127.0.0.1", target.port()}));
  auto peer = target.accept();
  CHECK(peer.receive_all() == "hello\n");
  peer.finish();
  check_end(connecting, exited(0));
  CHECK(contains(connecting.err(), warning));

  Process receiving(
      sockx({"-v", "udp", "--events", "/dev/full", "--listen", "--datagrams", "1", "127.0.0.1", "0"}));
  const auto line = receiving.err_line("listening on");
  run(sockx({"udp", "--reply-timeout", "0", "127.0.0.1", line.substr(line.rfind(':') + 1)}),
      {.in = Stdio::input("/etc/hostname")});
  check_end(receiving, exited(0));
  CHECK(contains(receiving.err(), warning));

  Process quiet(
      sockx({"--quiet", "--events", "/dev/full", "listen", "--accept-timeout", "0", "127.0.0.1", "0"}));
  check_failure(quiet, 5, "timed out");
}

TEST_CASE("results that find no room are status 11, as text and as events") {
  for (const auto& words : {std::vector<std::string>{"byteorder", "htons", "1"},
                            {"resolve", "127.0.0.1"},
                            {"getaddrinfo", "127.0.0.1"},
                            {"sockopt", "list"}}) {
    for (const bool json : {true, false}) {
      Process process(sockx(json ? std::vector<std::string>{"--json"} : std::vector<std::string>{}) + words,
                      {Stdio::null(), Stdio::file("/dev/full", O_WRONLY)});
      check_end(process, exited(11));
      CHECK(contains(process.err(), "write stdout: No space left on device"));
    }
  }
}

TEST_CASE(
    "recv-file whose result cannot be printed: death by SIGPIPE without a reader, 11 on a full device") {
  for (const bool keeps_open : {true, false}) {
    for (const bool full : {true, false}) {
      CAPTURE(keeps_open);
      CAPTURE(full);
      auto [read_end, write_end] = make_pipe_ends(0);
      read_end.reset();
      auto words = sockx({"recv-file", "--discard", "127.0.0.1", "0"});
      if (keeps_open) words.emplace_back("--keep-open");
      Process receiving(
          words, {Stdio::null(), full ? Stdio::file("/dev/full", O_WRONLY) : Stdio::given(write_end.get())});
      auto peer = Peer::connect(port_of(receiving));
      peer.send("content");
      peer.finish();
      check_end(receiving, full ? exited(11) : killed_by(SIGPIPE));
      if (full) CHECK(contains(receiving.err(), "sockx: write stdout: No space left on device"));
    }
  }
}

TEST_CASE("recv-file -o: a result that cannot be printed does not undo the file") {
  const Folder folder;
  Process receiving(sockx({"recv-file", "-o", folder / "file", "127.0.0.1", "0"}),
                    {Stdio::null(), Stdio::file("/dev/full", O_WRONLY)});
  auto peer = Peer::connect(port_of(receiving));
  peer.send("content");
  peer.finish();
  CHECK(peer.receive_all().empty());
  check_end(receiving, exited(11));
  CHECK(read_file(folder / "file") == "content");
}

/// recv-file and a reader behind it. The statuses of both are on standard error.
struct Pipeline {
  Folder folder;
  Process process;
  explicit Pipeline(const std::string& reader)
      : process({"bash", "-c", "\"$@\" | " + reader + "; echo \"statuses ${PIPESTATUS[*]}\" >&2", "bash",
                 sockx_binary(), "recv-file", "--quiet", "--port-file", folder / "port", "127.0.0.1", "0"},
                {.folder = folder.path()}) {}
  std::string port() const { return port_in(folder / "port"); }
};

TEST_CASE("recv-file: a reader that has read everything may leave before the end has come") {
  const auto content = noise(100'000);
  Pipeline pipeline("head -c 100000");
  auto peer = Peer::connect(pipeline.port());
  peer.send(content);
  eventually("head has everything", [&] { return pipeline.process.out().size() == content.size(); });
  peer.finish();
  CHECK(peer.receive_all().empty());  // taken, and no reset
  check_end(pipeline.process, exited(0));
  CHECK(pipeline.process.err() == "statuses 0 0\n");
}

TEST_CASE("recv-file: a reader that leaves early is still death by SIGPIPE, and the sender hears of it") {
  Pipeline pipeline("head -c 1000");
  auto peer = Peer::connect(pipeline.port());
  peer.send(noise(1001));
  eventually("head has its part", [&] { return pipeline.process.out().size() == 1000; });
  const auto flood = [&] {
    for (;;) peer.send(noise(100'000));
  };
  CHECK_THROWS(flood());
  check_end(pipeline.process, exited(0));
  CHECK(pipeline.process.err() == "statuses 141 0\n");
}

TEST_CASE("recv-file | tar x: an archive arrives, and both sides end well") {
  if (is_missing("tar")) return;
  const Folder folder;
  const auto content = noise(300'000);
  write_file(folder / "file", content);
  for (const std::string blocking : {"1", "20"}) {  // how many zeros there are after the last file
    CAPTURE(blocking);
    run({"tar", "-c", "-b", blocking, "-f", folder / "archive", "-C", folder.path(), "file"});
    Pipeline pipeline("tar x");
    Process sending(sockx({"send-file", folder / "archive", "127.0.0.1", pipeline.port()}));
    check_end(sending, exited(0));
    check_end(pipeline.process, exited(0));
    CHECK(pipeline.process.err() == "statuses 0 0\n");
    CHECK(difference(read_file(pipeline.folder / "file"), content) == "");
  }
}

TEST_CASE("--json --log-file /dev/full: whatever is on stderr is an event") {
  PeerListener listener;
  Process connecting(sockx(
      {"connect", "--json", "-vv", "--trace", "--log-file", "/dev/full", "127.0.0.1", listener.port()}));
  auto peer = listener.accept();
  peer.finish();
  CHECK(peer.receive_all().empty());
  check_end(connecting, exited(0));
  CHECK(events_in(connecting.err()).size() > 3);
}

}  // namespace

}  // namespace test

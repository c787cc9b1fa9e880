// What is said where nobody reads: the run never waits for that, hears deadlines and signals, and goes on.
#include <signal.h>
#include <sys/stat.h>

#include <memory>
#include <thread>

#include "../support/descriptors.hpp"
#include "../support/server.hpp"

namespace test {

namespace {

/// A pipe that is full already, and whose reader does not read; as a shell lends it, in blocking mode.
struct FullPipe {
  PipeEnds ends = make_pipe_ends();
  FullPipe() {
    fill(ends.write.get());
    fcntl(ends.write.get(), F_SETFL, 0);
  }
  Stdio writer() const { return Stdio::given(ends.write.get()); }
  /// All that comes until nobody writes any more.
  std::string read_all() {
    ends.write.reset();
    fcntl(ends.read.get(), F_SETFL, 0);
    return read_available(ends.read.get());
  }
  /// What comes until it contains `words`.
  std::string read_until(const std::string& words) {
    std::string all;
    eventually(words, [&] {
      all += read_available(ends.read.get());
      return contains(all, words);
    });
    return all;
  }
};

const std::vector<std::vector<std::string>> talkative{
    {"--trace", "-vv", "connect"},
    {"connect", "--hexdump"},
    {"--json", "connect", "--hexdump"},
    {"--json", "--trace", "-vv", "connect"},
};

/// One that has connected and says more than anybody reads.
struct Talkative {
  PeerListener listener;
  FullPipe full;
  bool by_deadline;
  Process process;
  Peer peer;

  Talkative(const std::vector<std::string>& words, bool has_deadline)
      : by_deadline(has_deadline),
        process(sockx(words) + std::vector<std::string>{"--deadline", has_deadline ? "500ms" : "1h",
                                                        "127.0.0.1", listener.port()},
                {Stdio::input("/dev/zero"), Stdio::null(), full.writer()}),
        peer(listener.accept()) {}
};

TEST_CASE("stderr that nobody reads: --hexdump and --trace hear the deadline and SIGTERM") {
  std::vector<std::unique_ptr<Talkative>> all;
  for (const auto& words : talkative)
    for (const bool by_deadline : {true, false})
      all.push_back(std::make_unique<Talkative>(words, by_deadline));
  for (const auto& one : all)
    if (!one->by_deadline) one->process.signal(SIGTERM);
  for (const auto& one : all) check_end(one->process, one->by_deadline ? exited(5) : killed_by(SIGTERM));
}

TEST_CASE("stderr that is read late: --hexdump waits for its reader, and no row is missing") {
  const Folder folder;
  const auto content = noise(200'000);
  write_file(folder / "content", content);
  PeerListener listener;
  FullPipe full;
  Process connecting(sockx({"connect", "--hexdump", "127.0.0.1", listener.port()}),
                     {Stdio::input(folder / "content"), Stdio::null(), full.writer()});
  auto peer = listener.accept();
  std::thread reading([&peer, &content] {
    CHECK(difference(peer.receive_all(), content) == "");
    peer.finish();
  });
  const auto rows = full.read_all();
  reading.join();
  check_end(connecting, exited(0));
  std::size_t offset = 0;
  for (const auto& line : lines_of(rows.substr(rows.rfind("##") + 2))) {
    char expected[16];
    snprintf(expected, sizeof expected, " > %08zx ", offset);
    CHECK(contains(line, expected));
    offset += 16;
  }
  CHECK(offset == 200'000);
}

TEST_CASE("stderr that nobody reads: a server goes on, and says how many lines were dropped") {
  FullPipe full;
  Server server({"--trace", "-k", "--handler", "echo"}, "127.0.0.1:0", {},
                {Stdio::null(), Stdio::pipe(), full.writer()});
  auto peer = server.connect();
  for (int message = 0; message < 10'000; ++message) check_echo(peer, "hello");
  std::string all;
  eventually("it says that more than a hundred lines were dropped", [&] {  // where a short one fits, in parts
    all += read_available(full.ends.read.get());
    int dropped = 0;
    for (const auto& line : lines_of(all))
      if (line.starts_with("{\"event\":\"dropped\"") && line.ends_with('}'))
        dropped += json::parse(line).at("lines").get<int>();
    return dropped > 100;
  });
  check_echo(peer, "hello");
  CHECK(contains(full.read_until("\"call\":\"send\""), "\"result\":\"5\""));
  peer.finish();
  CHECK(peer.receive_all() == "");
  server.stop();
}

TEST_CASE("stderr that nobody reads: clients that reset do not stop the echo server") {
  FullPipe full;
  Process server(sockx({"listen", "-k", "--handler", "echo", "127.0.0.1", "0"}),
                 {Stdio::null(), Stdio::pipe(), full.writer()});
  const auto port = port_of(server);
  for (int client = 0; client < 5'000; ++client) Peer::connect(port).reset();
  auto peer = Peer::connect(port);
  check_echo(peer, "hello");
  const auto said = full.read_until(" dropped: nobody has read them in time\n");
  CHECK(contains(said, "sockx: warning: connection 1 from 127.0.0.1:"));
  server.signal(SIGTERM);
  check_end(server, killed_by(SIGTERM));
}

TEST_CASE("--events and --log-file that are FIFOs which nobody reads: a server goes on") {
  const Folder folder;
  for (const std::string option : {"--events", "--log-file"}) {
    CAPTURE(option);
    const auto fifo = folder / option;
    REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
    const UniqueFd reader(open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    Process server(sockx({"--quiet", option, fifo, "listen", "-k", "--handler", "echo", "127.0.0.1", "0"}));
    const auto port = port_of(server);
    for (int client = 0; client < 5'000; ++client) Peer::connect(port).reset();
    auto peer = Peer::connect(port);
    check_echo(peer, "hello");
    std::string said;
    eventually("it says that lines were dropped", [&] {
      said += read_available(reader.get());
      return contains(said, "dropped");
    });
    server.signal(SIGTERM);
    check_end(server, killed_by(SIGTERM));
  }
}

TEST_CASE("a FIFO that nobody has opened for reading holds up no run for which it has nothing") {
  const Folder folder;
  const auto fifo = folder / "fifo";
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  for (const std::string option : {"--events", "--log-file"}) {
    CAPTURE(option);
    Process server(sockx({option, fifo, "listen", "-k", "--handler", "echo", "127.0.0.1", "0"}));
    auto peer = Peer::connect(port_of(server));
    check_echo(peer, "hello");
    server.signal(SIGTERM);
    check_end(server, killed_by(SIGTERM));
    CHECK(contains(server.err(), "write " + fifo + ": nobody reads this FIFO: lines are lost"));
  }
}

TEST_CASE("a FIFO that nobody has opened for reading: what waits for its reader hears the deadline") {
  const Folder folder;
  const auto fifo = folder / "fifo";
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"--tee-in", fifo}, {"--tee-out", fifo}, {"--hexdump=" + fifo}}) {
    CAPTURE(words.front());
    Process connecting(sockx({"connect", "--deadline", "500ms", "127.0.0.1", HeldPort().port()}) + words);
    check_failure(connecting, 5, "the deadline of 0.5 s has passed");
  }
}

TEST_CASE("--json on a stdout that nobody reads: a server goes on") {
  FullPipe full;
  Process server(
      sockx({"--json", "--log-level", "off", "listen", "-k", "--handler", "echo", "127.0.0.1", "0"}),
      {Stdio::null(), full.writer()});
  const auto port = port_of(server);
  for (int client = 0; client < 2'000; ++client) Peer::connect(port).reset();
  auto peer = Peer::connect(port);
  check_echo(peer, "hello");
  CHECK(contains(full.read_until("\"dropped\""), "\"event\":\"closed\""));
  server.signal(SIGTERM);
  check_end(server, killed_by(SIGTERM));
}

/// 1,000 lines for a server whose output is read once it has cut its client off.
void check_is_read_late(const std::vector<std::string>& words) {
  const bool has_deadline = words.front() == "--deadline", is_idle = words.front() == "--idle-timeout";
  FullPipe full;
  Process listening(sockx({"--trace", "listen", "-k", "127.0.0.1:0"}) + words,
                    {Stdio::pipe(), full.writer()});
  CAPTURE(listening.command());
  auto peer = Peer::connect(port_of(listening));
  std::string lines;
  for (int line = 0; line < 1'000; ++line) lines += "some words\n";
  peer.send(lines);
  listening.err_line(" = 11000");
  if (!has_deadline && !is_idle) listening.signal(SIGTERM);
  CHECK(peer.ends_by_reset());  // only what is kept is left to do
  if (is_idle) listening.signal(SIGTERM);
  const auto all = full.read_all();
  check_end(listening, has_deadline ? exited(5) : killed_by(SIGTERM));
  CHECK(difference(all.substr(all.rfind('#') + 1), lines) == "");
}

TEST_CASE(
    "listen --keep-open: what a client has sent reaches a stdout that is read late, however it is cut off") {
  for (const bool has_lines : {true, false})
    for (auto words : std::vector<std::vector<std::string>>{{"--max-conns", "9"},
                                                            {"--deadline", "3s"},
                                                            {"--idle-timeout", "200ms"},
                                                            {"--drain-timeout", "10ms"}}) {
      if (has_lines) words.emplace_back("--lines");
      check_is_read_late(words);
    }
}

void send_and_end(const std::string& port, const std::string& bytes) {
  auto sender = Peer::connect(port);
  sender.send(bytes);
  sender.finish();
  CHECK(sender.receive_all().empty());
}

TEST_CASE("recv-file --keep-open: totals that nobody reads hold up no transfer, and none is missing") {
  for (const bool is_json : {true, false}) {
    CAPTURE(is_json);
    FullPipe full;
    auto words = sockx({"--log-level", "off", "recv-file", "-k", "--discard", "127.0.0.1:0"});
    if (is_json) words.insert(words.begin() + 1, "--json");
    Process receiving(words, {Stdio::null(), full.writer()});
    const auto port = port_of(receiving);
    auto slow = Peer::connect(port);
    for (int transfer = 0; transfer < 100; ++transfer) send_and_end(port, "hello");
    const std::string much(20'000'000, 'x');
    slow.send(much);
    slow.finish();
    CHECK(slow.receive_all().empty());
    std::string all;
    std::size_t told = 0;
    eventually("all totals", [&] {
      all += read_available(full.ends.read.get());
      told = 0;
      for (const auto& line : lines_of(all))
        told += contains(line, is_json ? R"("received")" : "received ") ? 1 : 0;
      return told >= 101;
    });
    CHECK(told == 101);
    receiving.signal(SIGTERM);
    check_end(receiving, killed_by(SIGTERM));
  }
}

TEST_CASE(
    "results wait for their reader: none is missing, and the deadline and SIGTERM are heard meanwhile") {
  std::vector<std::string> words{"byteorder", "htons"};
  for (int number = 0; number < 20'000; ++number) words.push_back(std::to_string(number));
  FullPipe late;
  Process converting(sockx(words), {Stdio::null(), late.writer()});
  const auto all = late.read_all();
  check_end(converting, exited(0));
  CHECK(lines_of(all.substr(all.rfind('#') + 1)).size() == 20'000);

  for (const bool by_deadline : {true, false}) {
    FullPipe full;
    Process scanning(sockx({"--json", "--trace", "connect", "--scan", "--deadline",
                            by_deadline ? "500ms" : "1h", "127.0.0.1", "1-20"}),
                     {Stdio::null(), full.writer()});
    if (!by_deadline) {
      scanning.err_line("ECONNREFUSED");
      scanning.signal(SIGTERM);
    }
    check_end(scanning, by_deadline ? exited(5) : killed_by(SIGTERM));
  }
}

}  // namespace

}  // namespace test

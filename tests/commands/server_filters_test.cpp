// listen --keep-open and relay --keep-open: what is shown of the bytes of each client, kept beside, or
// changed.
#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <thread>

#include "../support/server.hpp"

namespace test {

namespace {

using Words = std::vector<std::string>;

/// A server that joins its clients to the standard streams, with its events on standard error.
Words stdio_server(const Words& words) {
  return sockx({"--events", "/dev/stderr", "listen", "-k"}) + words + Words{"127.0.0.1", "0"};
}

/// A client says `question`, ends, and gets this.
std::string answer_of(const Server& server, const std::string& question) {
  auto peer = server.connect();
  peer.send(question);
  peer.finish();
  return peer.receive_all();
}

TEST_CASE("servers: --tee-in and --tee-out keep what each client of a program says and hears, by %n and %h") {
  const Folder folder;
  for (const auto& program : {Words{"--sh", "tr a-z A-Z"}, Words{"--exec", "--", "tr", "a-z", "A-Z"}}) {
    Server server(Words{"-k", "--tee-in", folder / "in-%n-%h", "--tee-out", folder / "out-%n"} + program);
    CHECK(answer_of(server, "one\n") == "ONE\n");
    CHECK(answer_of(server, "two\n") == "TWO\n");
    server.event("closed");
    server.event("closed");
    server.wait_until_free();
    CHECK(read_file(folder / "in-1-127.0.0.1") == "one\n");
    CHECK(read_file(folder / "in-2-127.0.0.1") == "two\n");
    CHECK(read_file(folder / "out-1") == "ONE\n");
    CHECK(read_file(folder / "out-2") == "TWO\n");
    server.stop();
  }
}

TEST_CASE("servers: a file without a pattern is shared, and one by %h holds all that a host says") {
  const Folder folder;
  Server server({"-k", "--tee-in", folder / "all", "--tee-out", folder / "by-%h", "--sh", "tr a-z A-Z"});
  for (const std::string said : {"one\n", "two\n"}) {
    answer_of(server, said);
    server.event("closed");
  }
  server.wait_until_free();
  CHECK(read_file(folder / "all") == "one\ntwo\n");
  CHECK(read_file(folder / "by-127.0.0.1") == "ONE\nTWO\n");
  server.stop();
}

TEST_CASE("servers: --hexdump shows the bytes of each client with its name, also of a forwarded port") {
  const Folder folder;
  PeerListener target;
  Server server(
      {"-k", "--hexdump=" + (folder / "dump"), "--crlf", "--forward", "127.0.0.1:" + target.port()});
  auto near = server.connect(), far = target.accept();
  near.send("question\n");
  CHECK(far.receive(9) == "question\n");
  far.send("answer\n");
  CHECK(near.receive(8) == "answer\r\n");  // --crlf is for what is sent to clients
  near.finish();
  far.finish();
  near.close();
  const std::string peer = server.event("closed").at("peer");
  const auto rows = lines_of(read_file(folder / "dump"));
  REQUIRE(rows.size() == 2);
  CHECK(contains(rows[0], " < " + peer + " 00000000  71 75 65 73 74"));
  CHECK(contains(rows[1], " > " + peer + " 00000000  61 6e 73 77 65 72 0d 0a"));
  server.stop();

  Server told({"-k", "--hexdump", "--sh", "cat"});
  answer_of(told, "x");
  const auto first = json::parse(told.process.err_line("hexdump"));
  CHECK(first.at("direction") == "received");
  CHECK(first.at("hex") == "78");
  CHECK(contains(first.at("peer"), "127.0.0.1:"));
  told.stop();
}

TEST_CASE("servers: --tee-in and --tee-out of a forwarded port are whole") {
  const Folder folder;
  Server target({"-k", "--handler", "echo"});
  Server server(
      {"-k", "--tee-in", folder / "in-%n", "--tee-out", folder / "out-%n", "--forward", target.endpoint()});
  const auto content = noise(3'000'000);
  auto peer = server.connect();
  std::thread sending([&] {
    peer.send(content);
    peer.finish();
  });
  const auto got = peer.receive_all();
  sending.join();
  CHECK(difference(got, content) == "");
  CHECK(server.event("closed").at("complete") == true);
  server.wait_until_free();
  CHECK(difference(read_file(folder / "in-1"), content) == "");
  CHECK(difference(read_file(folder / "out-1"), content) == "");
  server.stop();
}

TEST_CASE("servers: stdio with --crlf, --tee-in and --tee-out of each client") {
  const Folder folder;
  Process server(stdio_server({"--crlf", "--tee-in", folder / "in-%n", "--tee-out", folder / "out-%n"}),
                 {.in = Stdio::pipe()});
  const auto port = port_of(server);
  auto first = Peer::connect(port), second = Peer::connect(port);
  server.err_line("accepted");
  server.err_line("accepted");
  server.write("to all\n");
  CHECK(first.receive(8) == "to all\r\n");
  CHECK(second.receive(8) == "to all\r\n");
  first.send("one");
  second.send("two");
  for (auto* const peer : {&first, &second}) peer->finish();
  server.close_input();
  for (auto* const peer : {&first, &second}) {
    CHECK(peer->receive_all() == "");
    peer->close();
  }
  server.err_line("closed");
  server.err_line("closed");
  for (const std::string number : {"1", "2"}) {
    CHECK(read_file(folder / ("out-" + number)) == "to all\r\n");
    CHECK(read_file(folder / ("in-" + number)).size() == 3);
  }
  server.signal(SIGTERM);
  check_end(server, killed_by(SIGTERM));
}

TEST_CASE("servers: stdio with --recv-only reads no input, and with --send-only drops what comes") {
  {
    Process server(stdio_server({"--recv-only"}), {.in = Stdio::pipe()});
    server.write("nobody hears this");
    auto peer = Peer::connect(port_of(server));
    peer.send("heard");
    server.err_line("accepted");
    peer.finish();
    CHECK(peer.receive_all() == "");
    server.err_line("closed");
    server.signal(SIGTERM);
    check_end(server, killed_by(SIGTERM));
    CHECK(server.out() == "heard");
  }
  Process server(stdio_server({"--send-only"}), {.in = Stdio::pipe()});
  auto peer = Peer::connect(port_of(server));
  server.err_line("accepted");
  peer.send(std::string(100'000, 'x'));
  server.write("said");
  CHECK(peer.receive(4) == "said");
  server.close_input();
  CHECK(peer.receive_all() == "");
  peer.close();
  server.err_line("closed");
  server.signal(SIGTERM);
  check_end(server, killed_by(SIGTERM));
  CHECK(server.out() == "");
}

TEST_CASE("servers: --rate bounds each client of a program and of stdio") {
  const auto begun = std::chrono::steady_clock::now();
  const auto has_taken = [&](std::chrono::milliseconds least) {
    return std::chrono::steady_clock::now() - begun >= least;
  };
  Server program({"-k", "--rate", "100k", "--sh", "cat"});
  const auto content = noise(50'000);
  CHECK(difference(answer_of(program, content), content) == "");
  CHECK(has_taken(400ms));
  program.stop();

  Process stdio(stdio_server({"--rate", "100k"}), {.in = Stdio::pipe()});
  auto peer = Peer::connect(port_of(stdio));
  stdio.feed(content);
  CHECK(difference(peer.receive(content.size()), content) == "");
  CHECK(has_taken(800ms));
  peer.send(content);
  eventually("all has come", [&] { return stdio.out_size() == content.size(); });
  CHECK(has_taken(1200ms));
}

TEST_CASE("relay --keep-open: --hexdump, --tee-a, --tee-b and --crlf go from A, the client, to B") {
  const Folder folder;
  PeerListener target;
  Process relay(sockx({"--json", "relay", "-k", "--crlf", "--hexdump=" + (folder / "dump-%n"), "--tee-a",
                       folder / "a-%n", "--tee-b", folder / "b-%n", "listen:127.0.0.1:0",
                       "127.0.0.1:" + target.port()}));
  const std::string endpoint = json::parse(relay.out_line("listening")).at("address");
  auto near = connect_to(endpoint), far = target.accept();
  near.send("question\n");
  CHECK(far.receive(10) == "question\r\n");
  far.send("answer\n");
  CHECK(near.receive(7) == "answer\n");
  near.finish();
  far.finish();
  near.close();
  far.close();
  relay.out_line("closed");
  CHECK(read_file(folder / "a-1") == "question\r\n");
  CHECK(read_file(folder / "b-1") == "answer\n");
  const auto rows = lines_of(read_file(folder / "dump-1"));
  REQUIRE(rows.size() == 2);
  CHECK(contains(rows[0], " > 00000000  71 75 65 73 74"));
  CHECK(contains(rows[1], " < 00000000  61 6e 73 77"));
  relay.signal(SIGTERM);
  check_end(relay, killed_by(SIGTERM));
}

TEST_CASE("servers: a file beside the stream that cannot be opened is the end of that client alone") {
  const Folder folder;
  Server server({"-k", "--tee-in", folder / "%n/in", "--sh", "cat"});
  auto refused = server.connect();
  CHECK(refused.ends_by_reset());
  CHECK(contains(server.event("closed").at("reason"), "No such file"));
  fs::create_directory(folder / "2");
  CHECK(answer_of(server, "x") == "x");
  server.event("closed");
  CHECK(read_file(folder / "2/in") == "x");
  server.stop();
  Process failing(
      sockx({"listen", "-k", "--tee-in", folder / "nowhere/in", "--sh", "cat", "127.0.0.1", "0"}));
  check_failure(failing, 11, "No such file");
}

TEST_CASE("servers: options of the bytes that make no sense are usage errors") {
  const auto refused = [](const Words& words, const std::string& said) {
    Process process(sockx({"listen", "127.0.0.1", "0"}) + words);
    check_failure(process, 2, said);
  };
  refused({"-k", "--handler", "echo", "--hexdump"}, "--hexdump: it cannot be used with echo");
  refused({"-k", "--handler", "echo", "--rate", "1k"}, "--rate: it cannot be used with echo");
  refused({"-k", "--chat", "--crlf"}, "--c");
  refused({"-k", "--send", "x", "--tee-out", "y"}, "--tee-out");
  refused({"-k", "--forward", "a:1", "--rate", "1k"}, "--rate");
  refused({"-k", "--forward", "a:1", "--recv-only"}, "--recv-only");
  refused({"-k", "--sh", "cat", "--recv-only"}, "--recv-only");
  refused({"-k", "--tee-in", "x-%z"}, "--tee-in 'x-%z': a pattern knows %n number, %h peer, %t time and %%");
  refused({"-k", "--rate", "0"}, "--rate: '0'");
  Process relay(sockx({"relay", "-k", "--tee-a", "x-%z", "listen:80", "a:1"}));
  check_failure(relay, 2, "--tee-a 'x-%z'");
}

TEST_CASE("forward: the words of a relay's second end, but for those that have an option of their own") {
  const Folder folder;
  {
    Server server({"-k", "--forward", "append:" + (folder / "log")});
    for (const std::string line : {"one\n", "two\n"}) {
      answer_of(server, line);
      server.event("closed");
    }
    CHECK(read_file(folder / "log") == "one\ntwo\n");
    server.stop();
  }
  const auto refused = [](const std::string& end, const std::string& said) {
    Process process(sockx({"listen", "-k", "--forward", end, "127.0.0.1", "0"}));
    check_failure(process, 2, said);
  };
  refused("-", "--forward: '-': for the standard streams say --handler stdio");
  refused("sh:cat", "--forward: 'sh:cat': to join each connection to a command say --sh COMMAND");
  refused("exec", "--forward: 'exec': to join each connection to a program say --exec");
  refused("listen:80", "--forward: 'listen:80'");
  refused("file:x", "say append:x");
  refused("TCP:a:80", "'TCP:a:80': say a:80");
  refused("tls:a:443,foo=1", "',foo=1': there is no such option here");
  refused("tls:a:443,min=9", "min='9': say 1.2 or 1.3");
}

}  // namespace

}  // namespace test

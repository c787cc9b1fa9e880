// listen --keep-open: every handler over every family, limits, and what is told of each client.
#include "../support/server.hpp"

#include <signal.h>

#include <chrono>
#include <thread>

#include "../support/descriptors.hpp"

namespace test {

using namespace std::chrono_literals;

namespace {

/// What a client gets that sends `sent` and then its end.
std::string answer(const Server& server, const std::string& sent) {
  auto client = server.connect();
  client.send(sent);
  client.finish();
  return client.receive_all();
}

/// Runs `check` with a server that has these words, over IPv4, IPv6 and a unix socket.
template <class Check>
void over_each_family(const std::vector<std::string>& words, Check check) {
  const Folder folder;
  for (const auto& endpoint :
       {std::string("127.0.0.1:0"), std::string("[::1]:0"), "unix:" + (folder / "socket")}) {
    CAPTURE(endpoint);
    Server server({std::vector<std::string>{"--keep-open"} + words}, endpoint);
    check(server);
    server.wait_until_free();
    server.stop();
    CHECK(folder.size() == 0);
  }
}

TEST_CASE("server: echo and upper answer each client with what it says") {
  const auto message = noise(50'000);
  over_each_family({"--handler", "echo"}, [&](Server& server) {
    auto other = server.connect();
    check_echo(other, "one");
    CHECK(difference(answer(server, message), message) == "");
    check_echo(other, "two");
  });
  over_each_family({"--handler", "upper"}, [](Server& server) {
    CHECK(answer(server, "az AZ {`\xe4 42\n") == "AZ AZ {`\xe4 42\n");
    CHECK(answer(server, std::string(200'000, 'x')) == std::string(200'000, 'X'));
  });
}

TEST_CASE("server: discard takes everything, daytime and chargen say what their RFCs have them say") {
  over_each_family({"--handler", "discard"}, [](Server& server) {
    CHECK(answer(server, noise(300'000)) == "");
    CHECK(server.event("closed").at("received") == 300'000);
  });
  over_each_family({"--handler", "daytime"}, [](Server& server) {
    const auto line = answer(server, "ignored");
    CHECK(line.ends_with("\r\n"));
    CHECK(contains(line, " 20"));
  });
  over_each_family({"--handler", "chargen"}, [](Server& server) {
    auto client = server.connect();
    const auto lines = client.receive(2 * 74);
    CHECK(lines.substr(0, 9) == " !\"#$%&'(");
    CHECK(lines.substr(70, 7) == "fg\r\n!\"#");
    client.finish();
    client.receive_all();
  });
}

TEST_CASE("server: --send gives each client the file, --exec and --sh a program, --forward a connection") {
  const Folder folder;
  const auto content = noise(500'000);
  const auto file = write_file(folder / "file", content);
  over_each_family({"--send", file}, [&](Server& server) {
    for (int i = 0; i < 2; ++i) CHECK(difference(answer(server, "ignored"), content) == "");
  });
  over_each_family({"--exec", "--", "tr", "a-c", "A-C"},
                   [&](Server& server) { CHECK(answer(server, "abcd") == "ABCd"); });
  over_each_family({"--sh", "read line; echo \"$line $SOCKX_PROTO\""}, [&](Server& server) {
    const auto protocol = server.endpoint().starts_with("unix:") ? "unix" : "tcp";
    CHECK(answer(server, "over\n") == std::string("over ") + protocol + "\n");
  });
  Server target({"-k", "--handler", "upper"});
  over_each_family({"--forward", target.endpoint()},
                   [&](Server& server) { CHECK(answer(server, "there and back") == "THERE AND BACK"); });
}

TEST_CASE("server: who does not get all of the file of --send meets a reset, and a line says why") {
  const Folder folder;
  const auto file = write_file(folder / "file", "");
  fs::resize_file(file, 80'000'000);
  Server server({"-k", "--send", file});
  const auto closed = [&](const std::string& reason) {
    const auto event = server.event("closed");
    CHECK(event.at("complete") == false);
    CHECK(contains(event.at("reason"), reason));
    CHECK(contains(json::parse(server.process.err_line(reason)).at("level"), "warn"));
  };
  auto slow = server.connect();
  slow.receive(1);
  fs::resize_file(file, 1000);
  CHECK(slow.ends_by_reset());
  closed("has become shorter: ");
  fs::remove(file);
  CHECK(server.connect().ends_by_reset());
  closed("No such file or directory");
  fs::create_directory(file);
  CHECK(server.connect().ends_by_reset());
  closed("Is a directory");
  fs::remove(file);
  REQUIRE(mkfifo(file.c_str(), 0600) == 0);
  CHECK(server.connect().ends_by_reset());
  closed("a pipe gives what it has to one reader");
  Process folder_to_send(sockx({"listen", "-k", "--send", folder.path(), "127.0.0.1", "0"}));
  check_failure(folder_to_send, 11, "Is a directory");
}

TEST_CASE("server: --accept-timeout ends it once nobody is there and nobody comes") {
  Server server({"-k", "--handler", "echo", "--accept-timeout", "1s"});
  auto client = server.connect();
  for (int i = 0; i < 6; ++i) {
    std::this_thread::sleep_for(250ms);  // it is the server that must not see this as quiet
    check_echo(client, "x");
  }
  client.finish();
  CHECK(client.receive_all() == "");
  check_end(server.process, exited(5));
  CHECK(contains(server.process.err(), "timed out"));
}

TEST_CASE("server: a client that --idle-timeout cuts off is told of in a warning") {
  Server server({"-k", "--handler", "echo", "--idle-timeout", "50ms"});
  auto client = server.connect();
  CHECK(client.ends_by_reset());
  CHECK(json::parse(server.process.err_line("no byte in either direction")).at("level") == "warning");
}

TEST_CASE("server: --send waits for a client that takes its time") {
  const Folder folder;
  const auto content = noise(2'000'000);
  const auto file = write_file(folder / "file", content);
  Server server({"-k", "--send", file});
  auto client = server.connect();
  std::this_thread::sleep_for(10500ms);  // more than a client has for taking the end, and for closing
  CHECK(difference(client.receive_all(), content) == "");
  client.close();
  const auto closed = server.event("closed");
  CHECK(closed.at("sent") == content.size());
  CHECK(closed.at("complete") == true);
}

TEST_CASE("server: a stream through echo is whole, and so are the messages after it") {
  Server server({"-k", "--handler", "echo"});
  check_load(server, "exchange", 3, 5, 3'000'000);
  auto client = server.connect();
  check_echo(client, noise(70'000));
  check_load(server, "exchange", 3, 50, 65536);
  client.finish();
  CHECK(client.receive_all() == "");
  server.wait_until_free();
}

/// One message with a descriptor, and one behind it.
TEST_CASE("server: what a client says after it has passed a descriptor is answered too") {
  const Folder folder;
  Server server({"-k", "--handler", "echo"}, "unix:" + (folder / "socket"));
  auto client = server.connect();
  check_echo(client, "before ");
  server.process.signal(SIGSTOP);  // so that both come in one event
  eventually("it has stopped", [&] {
    return contains(read_file("/proc/" + std::to_string(server.process.pid()) + "/stat"), ") T ");
  });
  char bytes[] = "with ";
  iovec part{bytes, 5};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  auto* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  const int passed = client.fd();
  memcpy(CMSG_DATA(header), &passed, sizeof passed);
  Peer::check(sendmsg(client.fd(), &message, 0), "sendmsg");
  client.send("after");
  server.process.signal(SIGCONT);
  // Reading would wake the server again: only what lies there tells.
  eventually("all of it is answered", [&] { return unread(client.fd()) == 10; });
  CHECK(client.receive(10) == "with after");
}

TEST_CASE("server: without --keep-open one client is served, and its end is the status") {
  const auto served = [](const std::vector<std::string>& words, int status, auto act) {
    Server server(words);
    auto client = server.connect();
    act(client);
    CAPTURE(server.process.command());
    check_end(server.process, exited(status));
    CHECK_THROWS(server.connect());
  };
  served({"--handler", "echo"}, 0, [](Peer& client) {
    check_echo(client, "x");
    client.finish();
    CHECK(client.receive_all() == "");
  });
  served({"--handler", "discard"}, 7, [](Peer& client) { client.reset(); });
  served({"--handler", "echo", "--idle-timeout", "50ms"}, 5,
         [](Peer& client) { CHECK(client.ends_by_reset()); });
  served({"--send", "/dev/null"}, 0, [](Peer& client) {
    CHECK(client.receive_all() == "");
    client.close();
  });
  const HeldPort nobody;
  served({"--forward", "127.0.0.1:" + nobody.port()}, 4, [](Peer& client) { client.ends_by_reset(); });
}

TEST_CASE("server: beyond --max-conns clients wait until another leaves") {
  Server server({"-k", "--handler", "echo", "--max-conns", "2"});
  auto first = server.connect(), second = server.connect(), third = server.connect();
  third.send("third");
  for (auto* client : {&first, &second}) check_echo(*client, "served");
  CHECK(has_nothing_to_receive(third));
  first.close();
  CHECK(third.receive(5) == "third");
  check_echo(second, "still served");
}

TEST_CASE("server: with --reject one too many is closed at once, and the next after a leave is served") {
  Server server({"-k", "--handler", "echo", "--max-conns", "1", "--reject"});
  auto first = server.connect();
  check_echo(first, "served");
  auto second = server.connect();
  CHECK(second.receive_all() == "");
  const auto refused = server.event("refused");
  CHECK(refused.at("peer").get<std::string>().starts_with("127.0.0.1:"));
  CHECK(refused.at("reason") == "there is 1 connection already");
  first.close();
  server.event("closed");
  auto third = server.connect();
  check_echo(third, "served");
}

TEST_CASE("server: --idle-timeout goes on when all clients have been cut off") {
  Server server({"-k", "--handler", "echo", "--idle-timeout", "50ms"});
  for (int client = 0; client < 3; ++client) CHECK(server.connect().ends_by_reset());
  server.stop();
}

TEST_CASE("server: --idle-timeout ends the silent client and not the one that speaks") {
  Server server({"-k", "--handler", "echo", "--idle-timeout", "300ms"});
  auto silent = server.connect(), speaking = server.connect();
  check_echo(silent, "once");
  while (has_nothing_to_receive(silent)) check_echo(speaking, "again");
  CHECK(silent.receive_all() == "");
  check_echo(speaking, "and again");
  const auto closed = server.event("closed");
  CHECK(closed.at("number") == 1);
  CHECK(closed.at("reason") == "no byte in either direction for 0.3 s");
  CHECK(closed.at("seconds") >= 0.3);
}

TEST_CASE("server: accepted and closed tell of each client, and closed why and after how much") {
  Server server({"-k", "--handler", "echo"});
  auto first = server.connect();
  check_echo(first, "12345");
  const auto accepted = server.event("accepted");
  CHECK(accepted.at("number") == 1);
  CHECK(accepted.at("connections") == 1);
  auto second = server.connect();
  check_echo(second, "123");
  first.finish();
  const auto closed = server.event("closed");
  CHECK(closed.at("peer") == accepted.at("peer"));
  CHECK(closed.at("number") == 1);
  CHECK(closed.at("received") == 5);
  CHECK(closed.at("sent") == 5);
  CHECK(closed.at("seconds") > 0.0);
  CHECK(closed.at("reason") == "complete");
  CHECK(closed.at("complete") == true);
  second.reset();
  const auto reset = server.event("closed");
  CHECK(reset.at("number") == 2);
  CHECK(reset.at("complete") == false);
  CHECK(contains(reset.at("reason"), "Connection reset by peer"));
  server.stop();
}

TEST_CASE("server: --events has the same, and without it the log does") {
  const Folder folder;
  Process server(
      sockx({"-v", "--events", folder / "events", "listen", "-k", "--handler", "discard", "127.0.0.1:0"}));
  auto client = Peer::connect(port_of(server));
  client.send("1234");
  client.finish();
  client.receive_all();
  const auto told = server.err_line("closed");
  CHECK(contains(told, "connection 1 from 127.0.0.1:"));
  CHECK(contains(told, "received 4 bytes, sent 0 bytes: complete"));
  server.signal(SIGTERM);
  check_end(server, killed_by(SIGTERM));
  const auto events = events_in(read_file(folder / "events"));
  CHECK(event_of(events, "closed").at("received") == 4);
  CHECK(event_of(events, "accepted").at("connections") == 1);
}

}  // namespace

}  // namespace test

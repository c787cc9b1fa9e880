// listen --keep-open with --exec and --sh: a program for each client, and nothing of it afterwards.
#include <signal.h>

#include "../support/server.hpp"

namespace test {

namespace {

/// The children of the server that run, by number.
std::vector<std::string> children_of(const Server& server) {
  const auto pid = std::to_string(server.process.pid());
  std::istringstream words(read_file("/proc/" + pid + "/task/" + pid + "/children"));
  return {std::istream_iterator<std::string>(words), {}};
}

TEST_CASE("server: --accept-timeout does not end it while somebody waits for the place of a program") {
  Server server({"-k", "--max-conns", "1", "--accept-timeout", "500ms", "--sh",
                 "trap '' TERM; exec <&- >&-; sleep 1.5"});
  server.connect().close();
  server.event("closed");
  auto waiting = server.connect();
  CHECK(waiting.receive_all().empty());
}

TEST_CASE("server: a program learns both ends of its connection") {
  Server server({"-k", "--sh",
                 "echo $SOCKX_PROTO $SOCKX_PEER_ADDR:$SOCKX_PEER_PORT $SOCKX_LOCAL_ADDR:$SOCKX_LOCAL_PORT"});
  for (int i = 0; i < 2; ++i) {
    auto client = server.connect();
    const auto line = client.receive_all();
    const std::string peer = server.event("accepted").at("peer");
    CHECK(line == "tcp " + peer + ' ' + server.endpoint() + '\n');
    client.close();
  }
  server.wait_until_free();
}

TEST_CASE("server: a program holds no descriptor of the server's or of another client's") {
  Server server({"-k", "--sh", "ls /proc/self/fd; cat"});
  auto other = server.connect();
  const std::string streams = "0\n1\n2\n3\n";  // 3 is the folder that ls reads
  CHECK(other.receive(8) == streams);
  auto client = server.connect();
  CHECK(client.receive(8) == streams);
  client.finish();
  CHECK(client.receive_all() == "");
}

TEST_CASE("server: a program has the limit of descriptors that was ours, and not the raised one") {
  Server server({"-k", "--sh", "ulimit -S -n"}, "127.0.0.1:0",
                {"sh", "-c", "ulimit -S -n 100; exec \"$@\"", "sh"});
  auto client = server.connect();
  CHECK(client.receive_all() == "100\n");
}

TEST_CASE("server: a program that fails, or that is none, is the end of its client alone") {
  Server server({"-k", "--sh", "read status; exit $status"});
  auto first = server.connect(), second = server.connect();
  first.send("3\n");
  CHECK(first.receive_all() == "");
  first.close();
  const auto failed = server.event("closed");
  CHECK(failed.at("complete") == false);
  CHECK(contains(failed.at("reason"), "exited with status 3"));
  second.send("0\n");
  CHECK(second.receive_all() == "");
  second.close();
  CHECK(server.event("closed").at("complete") == true);
  server.wait_until_free();
  server.stop();

  Server none({"-k", "--exec", "--", "/nonexistent/program"});
  for (int i = 0; i < 2; ++i) {
    CHECK(none.connect().ends_by_reset());
    CHECK(contains(none.event("closed").at("reason"), "exec /nonexistent/program: No such file"));
  }
  none.wait_until_free();
}

TEST_CASE("server: a program that does not heed its end keeps nobody waiting") {
  Server server(
      {"-k", "--sh", "trap '' TERM; while read line; do echo $line; done; while :; do sleep 1; done"});
  auto leaving = server.connect();
  check_echo(leaving, "first\n");
  const auto program = children_of(server).at(0);
  auto staying = server.connect();
  check_echo(staying, "second\n");
  leaving.reset();
  server.event("closed");
  check_echo(staying, "third\n");
  CHECK(fs::exists("/proc/" + program));  // it has a second
  eventually("the program has been killed", [&] { return !fs::exists("/proc/" + program); });
  check_echo(staying, "fourth\n");
  server.stop();
}

TEST_CASE("server: a place is free once its program has gone, also where that does not heed its end") {
  Server server({"-k", "--max-conns", "2", "--sh", "trap '' TERM; echo here; while :; do sleep 1; done"});
  for (int i = 0; i < 6; ++i) {
    auto client = server.connect();
    CHECK(client.receive(5) == "here\n");
    CHECK(children_of(server).size() <= 2);
    client.reset();
  }
  server.stop();
}

TEST_CASE("server: it ends within a second or two, however many programs do not heed their end") {
  Server server({"-k", "--sh", "trap '' TERM; while :; do read line && echo $line || sleep 0.1; done"});
  std::vector<Peer> clients;
  for (int i = 0; i < 20; ++i) check_echo(clients.emplace_back(server.connect()), "here\n");
  const auto begun = std::chrono::steady_clock::now();
  server.stop();
  CHECK(std::chrono::steady_clock::now() - begun < 15s);  // one after the other would take twenty
  CHECK_FALSE(server.process.left_others());
}

TEST_CASE("server: 20 clients at once through cat, each of them whole") {
  Server server({"-k", "--exec", "--", "cat"});
  check_load(server, "connect", 20, 20, is_sanitized() ? 8'000'000 : 100'000'000);
  server.wait_until_free();
  CHECK(!contains(server.process.out(), "\"complete\":false"));
}

}  // namespace

}  // namespace test

// --workers and --reuse-port: processes that share a port, and what becomes of them.
#include <signal.h>

#include <set>

#include "../support/events.hpp"
#include "../support/namespace.hpp"
#include "../support/peer.hpp"

namespace test {

namespace {

const std::vector<std::string> server_words{"listen", "--json", "-k", "--workers", "3", "127.0.0.1", "0"};
const std::vector<std::string> echo{"--handler", "echo"}, tells_worker{"--sh", "echo $PPID"};

pid_t next_worker(Process& server) {
  return json::parse(server.out_line("\"worker\"")).at("pid").get<pid_t>();
}

std::vector<pid_t> workers_of(Process& server) {
  std::vector<pid_t> pids;
  for (int i = 0; i < 3; ++i) pids.push_back(next_worker(server));
  return pids;
}

void check_echo(const std::string& port) {
  auto peer = Peer::connect(port);
  peer.send("ping");
  CHECK(peer.receive(4) == "ping");
}

bool is_gone(pid_t pid) { return kill(pid, 0) != 0; }

TEST_CASE("workers: the kernel spreads the connections over all of them") {
  Process server(sockx(server_words) + tells_worker);
  const auto workers = workers_of(server);
  const auto port = port_of(server);
  std::set<std::string> served_by;
  for (int i = 0; i < 200 && served_by.size() < 3; ++i)
    served_by.insert(run(sockx({"connect", "--recv-only", "127.0.0.1", port})));
  std::set<std::string> expected;
  for (const auto pid : workers) expected.insert(std::to_string(pid) + "\n");
  CHECK(served_by == expected);
  server.signal(SIGTERM);
  check_end(server, killed_by(SIGTERM));
  CHECK_FALSE(server.left_others());
  CHECK(contains(server.out(), "\"listening\""));
}

TEST_CASE("workers: one that dies is replaced, with a warning, and no connection is lost") {
  Process server(sockx(server_words) + echo);
  const auto workers = workers_of(server);
  const auto port = port_of(server);
  for (const auto pid : workers) kill(pid, SIGSTOP);
  std::vector<Peer> waiting;
  for (int i = 0; i < 30; ++i) {
    waiting.push_back(Peer::connect(port));
    waiting.back().send("ping");
  }
  for (const auto pid : workers) kill(pid, SIGKILL);
  for (auto& peer : waiting) CHECK(peer.receive(4) == "ping");
  CHECK(contains(server.err_line("worker"), "was killed by signal 9 (Killed): another takes its place"));
  for (int i = 0; i < 3; ++i) CHECK(std::ranges::find(workers, next_worker(server)) == workers.end());
  server.signal(SIGINT);
  check_end(server, killed_by(SIGINT));
}

TEST_CASE("workers: they die with their parent") {
  Process server(sockx(server_words) + echo);
  const auto workers = workers_of(server);
  server.signal(SIGKILL);
  eventually("the workers are gone", [&] { return std::ranges::all_of(workers, is_gone); });
  check_end(server, killed_by(SIGKILL));
}

TEST_CASE("workers: SIGTERM to all of them at once, as service managers send it, drains once") {
  Process server(sockx(server_words) + echo + std::vector<std::string>{"--drain-timeout", "20s"});
  workers_of(server);
  const auto port = port_of(server);
  auto client = Peer::connect(port);
  client.send("one");
  CHECK(client.receive(3) == "one");
  kill(-server.pid(), SIGTERM);
  server.out_line("draining");
  eventually("nobody listens", [&] { return port_in_state(server, tcp_listen).empty(); });
  client.send("two");
  CHECK(client.receive(3) == "two");
  client.finish();
  CHECK(client.receive_all() == "");
  check_end(server, killed_by(SIGTERM));
}

TEST_CASE("workers: a second SIGTERM ends a drain") {
  Process server(sockx(server_words) + echo + std::vector<std::string>{"--drain-timeout", "20s"});
  workers_of(server);
  auto client = Peer::connect(port_of(server));
  client.send("one");
  CHECK(client.receive(3) == "one");
  server.signal(SIGTERM);
  for (int i = 0; i < 3; ++i) server.out_line("draining");
  server.signal(SIGTERM);
  check_end(server, killed_by(SIGTERM));
}

TEST_CASE("workers: SIGHUP reaches all of them, and the files are read again by each") {
  const Folder folder;
  const auto rules = write_file(folder / "rules", "::1\n");
  Process server(sockx(server_words) + echo + std::vector<std::string>{"--allow-file", rules});
  const auto have_read = [&](std::ptrdiff_t times) {
    eventually("the rules are read", [&] {
      return std::ranges::count_if(lines_of(server.out()), [](const std::string& line) {
               return line.starts_with(R"({"event":"reloaded")");
             }) == times;
    });
  };
  have_read(3);  // at the start each worker reads them for itself
  const auto port = port_of(server);
  CHECK(Peer::connect(port).receive_all() == "");
  write_file(rules, "127.0.0.1\n");
  server.signal(SIGHUP);
  have_read(6);
  for (int i = 0; i < 12; ++i) check_echo(port);
  server.signal(SIGTERM);
  check_end(server, killed_by(SIGTERM));
}

TEST_CASE("workers: the deadline ends them all") {
  Process server(sockx(server_words) + echo + std::vector<std::string>{"--deadline", "300ms"});
  check_end(server, exited(5));
  CHECK(contains(server.err(), "the deadline of 0.3 s has passed"));
  CHECK_FALSE(server.left_others());
}

TEST_CASE("workers: a port that somebody else listens on is refused, once") {
  Process first(sockx(server_words) + echo);
  const auto port = port_of(first);
  Process second(sockx({"listen", "-k", "--handler", "echo", "--workers", "2", "127.0.0.1", port}));
  check_failure(second, 8, "Address already in use");
}

TEST_CASE("--reuse-port: two servers share a port when both say so") {
  const std::vector<std::string> words{"listen", "-k", "--handler", "echo", "--reuse-port", "127.0.0.1"};
  Process first(sockx(words) + std::vector<std::string>{"0"});
  const auto port = port_of(first);
  Process second(sockx(words) + std::vector<std::string>{port});
  CHECK(port_of(second) == port);
  first.signal(SIGTERM);
  check_end(first, killed_by(SIGTERM));
  check_echo(port);
  Process alone(sockx({"listen", "127.0.0.1", port}));
  check_failure(alone, 8, "Address already in use");
}

TEST_CASE("workers: what has no port to share is a usage error") {
  struct Row {
    std::vector<std::string> words;
    std::string message;
  };
  for (const auto& [words, message] : {
           Row{{"-k", "--handler", "echo", "--workers", "2", "unix:/tmp/x"}, "--workers: 'unix:/tmp/x'"},
           Row{{"-k", "--handler", "echo", "--workers", "2", "fd:7"}, "--workers: 'fd:7'"},
           Row{{"--handler", "echo", "--workers", "2", "0"}, "--workers is for --keep-open"},
           Row{{"-k", "--handler", "echo", "--workers", "0", "0"}, "--workers"},
           Row{{"-k", "--workers", "2", "0"}, "--workers: the clients of stdio must share one process"},
           Row{{"--chat", "--workers", "2", "0"}, "--workers: the clients of chat must share one process"},
           Row{{"--broker", "--workers", "2", "0"},
               "--workers: the clients of broker must share one process"},
           Row{{"--reuse-port", "unix:/tmp/x"}, "--reuse-port: 'unix:/tmp/x'"},
           Row{{"--v6only", "unix:/tmp/x"}, "--v6only: 'unix:/tmp/x'"},
       }) {
    Process process(sockx({"listen"}) + words);
    check_failure(process, 2, message);
  }
}

TEST_CASE("--v6only: a port alone takes IPv6 connections and leaves IPv4 to others") {
  // In a network of its own: there nobody else can have the port that the kernel chose for IPv6.
  const Namespace network("");
  if (!network.works()) return;
  Process six(network.within(sockx({"listen", "-k", "--handler", "echo", "--v6only", "0"})));
  const auto port = port_of(six);
  Process four(network.within(sockx({"listen", "-k", "--handler", "upper", "127.0.0.1", port})));
  CHECK(port_of(four) == port);
  CHECK(run(network.within(sockx({"connect", "--line", "hello", "::1", port}))) == "hello\n");
  CHECK(run(network.within(sockx({"connect", "--line", "hello", "127.0.0.1", port}))) == "HELLO\n");
}

}  // namespace

}  // namespace test

// --allow, --deny and their files: who is served, and what becomes of the others.
#include <signal.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>

#include "../support/events.hpp"
#include "../support/namespace.hpp"
#include "../support/peer.hpp"

namespace test {

namespace {

const std::vector<std::string> echo_server{"listen", "--json", "-k", "--handler", "echo"};

/// Whether the connection is served: an echo, or the end at once.
bool is_served(Peer peer) {
  try {
    peer.send("ping");
    return peer.receive(4) == "ping";
  } catch (const std::system_error& error) {
    const int number = error.code().value();
    CHECK((number == ECONNRESET || number == EPIPE));
    return false;
  }
}

Peer connect_unix(const std::string& path, int type) {
  Peer peer(UniqueFd(socket(AF_UNIX, type | SOCK_CLOEXEC, 0)));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  Peer::check(connect(peer.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect");
  return peer;
}

TEST_CASE("access: a denied peer is closed at once, with an event, and others are served") {
  Process server(sockx(echo_server) +
                 std::vector<std::string>{"-v", "--deny", "10.0.0.0/8,127.0.0.0/8", "0"});
  const auto port = port_of(server);
  CHECK_FALSE(is_served(Peer::connect(port)));
  const auto refused = json::parse(server.out_line("refused"));
  CHECK(refused.at("reason") == "denied by 127.0.0.0/8");
  CHECK(refused.at("peer").get<std::string>().starts_with("127.0.0.1:"));
  CHECK(json::parse(server.err_line("was turned away")).at("level") == "info");
  CHECK(run(sockx({"connect", "--line", "hello", "::1", port})) == "hello\n");
  CHECK_FALSE(contains(server.err(), "error"));
}

TEST_CASE("access: where somebody is allowed, all others are not") {
  Process server(sockx(echo_server) +
                 std::vector<std::string>{"--allow", "192.0.2.1", "--allow", "localhost", "0"});
  const auto port = port_of(server);
  CHECK(is_served(Peer::connect(port)));  // a mapped address: the socket is of both families
  Process other(sockx(echo_server) + std::vector<std::string>{"--allow", "192.0.2.1", "127.0.0.1", "0"});
  CHECK_FALSE(is_served(Peer::connect(port_of(other))));
  CHECK(contains(other.out_line("refused"), "no rule allows it"));
}

TEST_CASE("access: peers of a unix socket are known by their user") {
  const Folder folder;
  const auto path = folder / "socket", user = std::to_string(getuid());
  for (const auto* type : {"stream", "seqpacket"}) {
    CAPTURE(type);
    const int number = std::string(type) == "stream" ? SOCK_STREAM : SOCK_SEQPACKET;
    Process denying(sockx({"listen", "-v", "--type", type, "--deny", "uid:" + user, "unix:" + path}));
    denying.err_line("listening on");
    CHECK(connect_unix(path, number).receive(1) == "");
    denying.err_line("unix:(unnamed) was turned away: denied by uid:" + user);
    CHECK(denying.is_running());
    denying.signal(SIGTERM);
    check_end(denying, killed_by(SIGTERM));

    Process allowing(sockx(
        {"listen", "-v", "--type", type, "--allow", "uid:" + user, "--line", "welcome", "unix:" + path}));
    allowing.err_line("listening on");
    CHECK(connect_unix(path, number).receive(8) == "welcome\n");
    check_end(allowing, exited(0));
  }
  Process server(sockx(echo_server) +
                 std::vector<std::string>{"--allow", "uid:" + user + "1", "unix:" + path});
  server.out_line("listening");
  CHECK_FALSE(is_served(connect_unix(path, SOCK_STREAM)));
}

TEST_CASE("access: SIGHUP reads the files again, and a bad one leaves the rules as they were") {
  const Folder folder;
  const auto rules = write_file(folder / "rules", "127.0.0.1\n");
  Process server(sockx(echo_server) + std::vector<std::string>{"--allow-file", rules, "127.0.0.1", "0"});
  const auto port = port_of(server);
  auto old_client = Peer::connect(port);
  old_client.send("one");
  CHECK(old_client.receive(3) == "one");

  write_file(rules, "# nobody\n192.0.2.1\n");
  server.signal(SIGHUP);
  server.out_line("reloaded");
  CHECK_FALSE(is_served(Peer::connect(port)));
  old_client.send("two");  // who is there already stays
  CHECK(old_client.receive(3) == "two");

  write_file(rules, "127.0.0.1\n127.0.0.0/99\n");
  server.signal(SIGHUP);
  const auto warning = server.err_line("127.0.0.0/99");
  CHECK(contains(warning, "line 2"));
  CHECK(contains(warning, "the old rules stay in force"));
  CHECK_FALSE(is_served(Peer::connect(port)));

  fs::remove(rules);
  server.signal(SIGHUP);
  server.err_line("No such file");
  write_file(rules, "127.0.0.1\n");
  server.signal(SIGHUP);
  server.out_line("reloaded");
  CHECK(is_served(Peer::connect(port)));
  server.signal(SIGTERM);
  check_end(server, killed_by(SIGTERM));
}

TEST_CASE("access: a file of rules that becomes a FIFO is refused at each reading, and the server goes on") {
  const Folder folder;
  const auto rules = write_file(folder / "rules", "127.0.0.1\n");
  Process server(sockx(echo_server) + std::vector<std::string>{"--allow-file", rules, "127.0.0.1", "0"});
  const auto port = port_of(server);
  fs::remove(rules);
  REQUIRE(mkfifo(rules.c_str(), 0600) == 0);
  for (int reading = 0; reading < 2; ++reading) {
    server.signal(SIGHUP);
    const auto warning = json::parse(server.err_line("regular file")).at("message").get<std::string>();
    CHECK(warning ==
          "--allow-file: '" + rules + "': rules are read from a regular file: the old rules stay in force");
    CHECK(is_served(Peer::connect(port)));
  }
  fs::remove(rules);
  write_file(rules, "192.0.2.1\n");  // tighter rules are heard again
  server.signal(SIGHUP);
  server.out_line("reloaded");
  CHECK_FALSE(is_served(Peer::connect(port)));
}

TEST_CASE("access: a file of rules that becomes too large is refused, and the server goes on") {
  const Folder folder;
  const auto rules = write_file(folder / "rules", "127.0.0.1\n");
  Process server(sockx(echo_server) + std::vector<std::string>{"--allow-file", rules, "127.0.0.1", "0"});
  const auto port = port_of(server);
  fs::resize_file(rules, (16 << 20) + 1);
  server.signal(SIGHUP);
  const auto warning = json::parse(server.err_line("16 MiB")).at("message").get<std::string>();
  CHECK(warning ==
        "--allow-file: '" + rules + "': a file of rules has at most 16 MiB: the old rules stay in force");
  CHECK(is_served(Peer::connect(port)));
}

TEST_CASE("access: what is not a regular file is no file of rules at the start either") {
  Process server(sockx({"listen", "-k", "--handler", "echo", "--deny-file", "/dev/zero", "127.0.0.1", "0"}));
  check_failure(server, 2, "--deny-file: '/dev/zero': rules are read from a regular file");
}

TEST_CASE("access: many SIGHUPs in a row end nothing, and without files the first does") {
  const Folder folder;
  const auto rules = write_file(folder / "rules", "127.0.0.1\n");
  Process server(sockx(echo_server) + std::vector<std::string>{"--allow-file", rules, "127.0.0.1", "0"});
  const auto port = port_of(server);
  for (int i = 0; i < 5000; ++i) {
    server.signal(SIGHUP);
    std::this_thread::yield();  // some come while one is being dealt with, others are merged by the kernel
  }
  CHECK(is_served(Peer::connect(port)));
  server.signal(SIGHUP);
  server.signal(SIGINT);
  check_end(server, killed_by(SIGINT));

  Process plain(sockx(echo_server) + std::vector<std::string>{"--allow", "::1", "127.0.0.1", "0"});
  port_of(plain);
  plain.signal(SIGHUP);
  check_end(plain, killed_by(SIGHUP));
}

TEST_CASE("access: who is denied does not end a wait for one client") {
  const Folder folder;
  const auto path = folder / "rules";
  for (const auto& more : {std::vector<std::string>{}, {"--handler", "echo"}}) {
    Process listening(sockx({"listen", "-v", "--deny", "127.0.0.1", "0"}) + more);
    const auto port = port_of(listening);
    CHECK(Peer::connect(port).ends_by_reset() == false);
    listening.err_line("was turned away: denied by 127.0.0.1");
    run(sockx({"connect", "--line", "hello", "::1", port}));
    check_end(listening, exited(0));
    CHECK(listening.out() == (more.empty() ? "hello\n" : ""));
  }
}

TEST_CASE("access: bad rules are usage errors that quote the word or the line, before anything is opened") {
  const Folder folder;
  const auto rules = write_file(folder / "rules", "::1\nuid:nosuch\n");
  struct Row {
    std::vector<std::string> words;
    std::string message;
  };
  for (const auto& [words, message] : {
           Row{{"--allow", "10.0.0.0/33"}, "--allow: '10.0.0.0/33'"},
           Row{{"--deny", "::1,,::2"}, "--deny: '': a rule is missing"},
           Row{{"--deny", "uid:nosuch"}, "--deny: 'nosuch': no such user"},
           Row{{"--allow-file", rules}, "rules, line 2)"},
           Row{{"--deny-file", folder / "none"}, "none': No such file"},
           Row{{"--deny-file", ""}, "say something"},
       }) {
    Process process(
        sockx({"listen", "-k", "--handler", "echo", "--port-file", folder / "port", "127.0.0.1", "0"}) +
        words);
    check_failure(process, 2, message);
    CHECK_FALSE(fs::exists(folder / "port"));
  }
  Process numeric(
      sockx({"listen", "-n", "-k", "--handler", "echo", "--allow", "localhost", "127.0.0.1", "0"}));
  check_failure(numeric, 3, "localhost");
}

TEST_CASE("access: addresses beyond the loopback, and those of a link") {
  const Namespace network("ip addr add 192.0.2.1/24 dev lo\nip addr add 198.51.100.1/24 dev lo");
  if (!network.works()) return;
  const Folder folder;
  Process server(
      network.within(sockx(echo_server) + std::vector<std::string>{"--allow", "192.0.2.0/24", "--port-file",
                                                                   folder / "port", "0"}));
  const auto port = port_in(folder / "port");
  CHECK(run(network.within(
            sockx({"connect", "--source", "192.0.2.1", "--line", "hello", "192.0.2.1", port}))) == "hello\n");
  Process denied(network.within(sockx({"connect", "--source", "198.51.100.1", "192.0.2.1", port})));
  CHECK(contains(server.out_line("refused"), "198.51.100.1"));
  denied.wait();
  CHECK(denied.out() == "");
}

}  // namespace

}  // namespace test

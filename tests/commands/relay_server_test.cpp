// sockx relay --keep-open: many clients, each with a second end of its own.
#include <signal.h>
#include <sys/resource.h>

#include <thread>

#include "../support/relay_ends.hpp"

namespace test {

namespace {

using Words = std::vector<std::string>;

/// `sockx relay --keep-open` with a first end that listens on the loopback.
class RelayServer {
 public:
  explicit RelayServer(const Words& options, const Words& second,
                       const std::string& first = "listen:127.0.0.1:0")
      : process(sockx({"--json", "relay", "--keep-open"}) + options + Words{first} + second) {
    endpoint_ = event("listening").at("address");
    descriptors_ = process.open_descriptors();
  }
  Peer connect() const { return connect_to(endpoint_); }
  json event(const std::string& name) { return json::parse(process.out_line("\"event\":\"" + name + "\"")); }
  void wait_until_free() {
    const auto pid = std::to_string(process.pid());
    eventually("the relay is free again", [&] {
      return process.open_descriptors() == descriptors_ &&
             read_file("/proc/" + pid + "/task/" + pid + "/children").empty();
    });
  }
  void stop() {
    process.signal(SIGTERM);
    check_end(process, killed_by(SIGTERM));
    CHECK_FALSE(process.left_others());
  }

  Process process;

 private:
  std::string endpoint_;
  std::size_t descriptors_ = 0;
};

/// How many clients the limits of this process allow, two descriptors each.
std::size_t many_clients() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const std::size_t most = limit.rlim_cur < 2000 ? limit.rlim_cur / 4 : 500;
  return is_sanitized() ? std::min<std::size_t>(most, 50) : most;
}

TEST_CASE("relay --keep-open: 500 clients of a unix socket over TCP, and one that dies touches nobody") {
  const Folder folder;
  UnixListener target(folder / "s", 1024);
  RelayServer relay({}, {target.word()});
  const auto count = many_clients();
  std::vector<Peer> near, far;
  for (std::size_t i = 0; i < count; ++i) {
    near.push_back(relay.connect());
    far.push_back(target.accept());
  }
  const auto word = [](std::size_t i) { return "client " + std::to_string(i) + "\n"; };
  for (std::size_t i = 0; i < count; ++i) near[i].send(word(i));
  for (std::size_t i = 0; i < count; ++i) CHECK(far[i].receive(word(i).size()) == word(i));
  near[count / 2].reset();
  far[count / 3].close();
  CHECK(near[count / 3].receive_all() == "");
  near[count / 3].close();
  for (std::size_t i = 0; i < count; ++i) {
    if (i == count / 2 || i == count / 3) continue;
    far[i].send("answer");
    CHECK(near[i].receive(6) == "answer");
    near[i].finish();
    CHECK(far[i].receive_all() == "");
    far[i].close();
    CHECK(near[i].receive_all() == "");
  }
  near.clear();
  far.clear();
  relay.wait_until_free();
  relay.stop();
}

TEST_CASE("relay --keep-open: every second end is opened anew for each client") {
  Authority authority("the authority");
  const auto files = authority.sign();
  const Folder folder;
  Server plain({"-k", "--handler", "echo"});
  Server secure(
      {"-k", "--handler", "echo", "--tls", "--tls-cert", files.certificate, "--tls-key", files.key});
  for (const auto& second : std::vector<Words>{{plain.endpoint()},
                                               {"tls:localhost:" + secure.port() + ",ca=" + authority.file()},
                                               {"sh:cat"},
                                               {"exec", "--", "cat"}}) {
    CAPTURE(second.front());
    RelayServer relay({}, second);
    const auto content = noise(300'000);
    for (int i = 0; i < 3; ++i) {
      auto peer = relay.connect();
      std::thread sending([&] {
        peer.send(content);
        peer.finish();
      });
      const auto got = peer.receive_all();
      sending.join();
      CHECK(difference(got, content) == "");
      const auto closed = relay.event("closed");
      CHECK(closed.at("complete") == true);
      CHECK(closed.at("received") == content.size());
      CHECK(closed.at("sent") == content.size());
    }
    relay.wait_until_free();
    relay.stop();
  }
  {
    RelayServer relay({}, {"append:" + (folder / "log")});
    for (const std::string line : {"one\n", "two\n"}) {
      auto peer = relay.connect();
      peer.send(line);
      peer.finish();
      CHECK(peer.receive_all() == "");
      relay.event("closed");
    }
    CHECK(read_file(folder / "log") == "one\ntwo\n");
    relay.stop();
  }
}

TEST_CASE("relay --keep-open: clients by TLS") {
  Authority authority("the authority");
  const auto files = authority.sign();
  PeerListener target;
  RelayServer relay({}, {"127.0.0.1:" + target.port()},
                    "listen:tls:127.0.0.1:0,cert=" + files.certificate + ",key=" + files.key);
  const auto port = port_of(relay.process);
  Process client(sockx({"connect", "--tls", "--tls-ca", authority.file(), "localhost", port}),
                 {.in = Stdio::pipe()});
  auto far = target.accept();
  client.feed("question");
  CHECK(far.receive_all() == "question");
  far.send("answer");
  far.finish();
  check_end(client, exited(0));
  CHECK(client.out() == "answer");
  relay.stop();
}

TEST_CASE("relay --keep-open: the failure of either end resets the other, and is told") {
  PeerListener target;
  RelayServer relay({}, {"127.0.0.1:" + target.port()});
  auto near = relay.connect(), far = target.accept();
  far.send("half");
  CHECK(near.receive(4) == "half");
  far.reset();
  CHECK(near.ends_by_reset());
  CHECK(relay.event("closed").at("complete") == false);
  relay.wait_until_free();

  RelayServer failing({}, {"sh:cat; exit 3"});
  auto client = failing.connect();
  client.send("x");
  client.finish();
  CHECK(client.receive_all() == "x");
  const auto closed = failing.event("closed");
  CHECK(closed.at("complete") == false);
  CHECK(closed.at("reason") == "sh exited with status 3");
  failing.wait_until_free();

  HeldPort nobody;
  RelayServer refusing({}, {"127.0.0.1:" + nobody.port()});
  auto refused = refusing.connect();
  CHECK(refused.ends_by_reset());
  CHECK(contains(refusing.event("closed").at("reason"), "Connection refused"));
  refusing.stop();
}

TEST_CASE("relay --keep-open --until: a is the client, b what is opened for it") {
  PeerListener target;
  for (const bool client_decides : {true, false}) {
    CAPTURE(client_decides);
    RelayServer relay({"--until", client_decides ? "a" : "b"}, {"127.0.0.1:" + target.port()});
    auto near = relay.connect(), far = target.accept();
    auto &ending = client_decides ? near : far, &other = client_decides ? far : near;
    ending.send("last words");
    ending.finish();
    CHECK(other.receive_all() == "last words");
    CHECK(ending.receive_all() == "");
    ending.close();
    other.close();
    CHECK(relay.event("closed").at("complete") == true);
    relay.stop();
  }
}

TEST_CASE("relay --keep-open: --max-conns and --deny are those of a server") {
  PeerListener target;
  RelayServer relay({"--max-conns", "1", "--reject"}, {"127.0.0.1:" + target.port()});
  auto near = relay.connect(), far = target.accept();
  near.send("x");
  CHECK(far.receive(1) == "x");
  auto second = relay.connect();
  second.ends_by_reset();
  CHECK(contains(relay.event("refused").at("reason"), "1"));
  near.send("y");
  CHECK(far.receive(1) == "y");
  relay.stop();

  RelayServer denying({"--deny", "127.0.0.0/8"}, {"127.0.0.1:" + target.port()});
  auto denied = denying.connect();
  denied.ends_by_reset();
  CHECK(denying.event("refused").contains("reason"));
  denying.stop();
}

TEST_CASE("relay --keep-open: SIGTERM resets what was cut off, and leaves no program") {
  RelayServer relay({}, {"sh:cat"});
  auto client = relay.connect();
  check_echo(client, "x");
  relay.stop();
  CHECK(client.ends_by_reset());
}

}  // namespace

}  // namespace test

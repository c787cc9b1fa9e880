// listen --keep-open with many clients, with clients that behave badly, and at its end.
#include <signal.h>
#include <sys/resource.h>

#include "../support/server.hpp"
#include "../support/transport.hpp"

namespace test {

namespace {

const unsigned crowd = is_sanitized() ? 500 : 5000;

void allow_descriptors(rlim_t wanted) {
  rlimit limit{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = std::max(limit.rlim_cur, std::min(wanted, limit.rlim_max));
  REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  REQUIRE_MESSAGE(limit.rlim_cur >= wanted, "the hard limit of descriptors is ", limit.rlim_max);
}

/// Bytes.
std::size_t resident_memory(const Process& process) {
  const auto status = read_file("/proc/" + std::to_string(process.pid()) + "/status");
  return std::stoul(status.substr(status.find("VmRSS:") + 6)) * 1024;
}

/// The number that its next descriptor will have.
rlim_t next_descriptor(const Process& process) {
  const auto folder = "/proc/" + std::to_string(process.pid()) + "/fd/";
  rlim_t number = 0;
  while (fs::is_symlink(folder + std::to_string(number))) ++number;
  return number;
}

TEST_CASE("server: that it has been stopped is no warning for each of its clients") {
  Server server({"-k", "--handler", "echo", "--log-level", "info"});
  auto client = server.connect();
  server.process.err_line("connection 1 from");
  server.process.signal(SIGTERM);
  CHECK(server.process.wait().signal == SIGTERM);
  CHECK(contains(server.process.err(), "the server has stopped"));
  CHECK_FALSE(contains(server.process.err(), "warning"));
}

TEST_CASE("server: thousands of clients at once lose nothing, and take 4 KB and one descriptor each") {
  allow_descriptors(crowd + 200);
  Server server({"-k", "--handler", "echo"});
  const auto before = resident_memory(server.process);
  {
    std::vector<Peer> idle;
    for (unsigned i = 0; i < crowd; ++i) idle.push_back(server.connect());
    for (auto* client : {&idle.front(), &idle.back()}) check_echo(*client, "here");
    CHECK(server.process.open_descriptors() == server.idle_descriptors() + crowd);
    const auto each = (resident_memory(server.process) - before) / crowd;
    if (!is_sanitized()) CHECK(each < 4096);
    MESSAGE(each, " bytes of memory for an idle connection");
  }
  server.wait_until_free();
  check_load(server, "exchange", crowd, 100);
  server.wait_until_free();
}

TEST_CASE("server over TLS: a thousand clients at once lose nothing, whoever stalls in the handshake") {
  const unsigned clients = is_sanitized() ? 200 : 1000, stalled = 200;
  allow_descriptors(clients + 2 * stalled);
  const Transport over = Transport::Kind::tls13;
  Server server(std::vector<std::string>{"-k", "--handler", "echo"} + over.words(true));
  {
    std::vector<Peer> silent;
    for (unsigned i = 0; i < stalled; ++i) {
      silent.push_back(server.connect());
      if (i % 2 == 0) silent.back().send("\x16\x03\x01");  // a part of a record
    }
    Process load({tested_build() + "/tests/bench/tls_load", "exchange", "127.0.0.1", server.port(),
                  std::to_string(clients), "20"});
    const auto end = load.wait(std::chrono::seconds(300));
    CHECK_MESSAGE(end == exited(0), load.command(), load.err());
    CHECK(load.out().starts_with(std::to_string(clients * 20) + ' '));
  }
  server.wait_until_free();
  server.stop();
}

TEST_CASE("server: with few descriptors everybody is served in turn, and nobody is forgotten") {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"--handler", "echo"}, {"--exec", "--", "cat"}}) {
    Server server(std::vector<std::string>{"-k"} + words, "127.0.0.1:0",
                  {"sh", "-c", "ulimit -n 64; exec \"$@\"", "sh"});
    check_load(server, "connect", 500, is_sanitized() ? 500 : 1000);
    server.wait_until_free();
    auto late = server.connect();
    check_echo(late, "and still there");
  }
}

TEST_CASE("server: descriptors that run out for another reason are waited for") {
  Server server({"-k", "--handler", "echo"}, "127.0.0.1:0");
  auto first = server.connect();
  check_echo(first, "first");
  rlimit before{};
  REQUIRE(prlimit(server.process.pid(), RLIMIT_NOFILE, nullptr, &before) == 0);
  const rlimit none{next_descriptor(server.process), before.rlim_max};
  REQUIRE(prlimit(server.process.pid(), RLIMIT_NOFILE, &none, nullptr) == 0);
  auto second = server.connect();
  second.send("second");
  server.event("shortage");
  check_echo(first, "not disturbed");
  CHECK(has_nothing_to_receive(second));
  first.close();
  CHECK(second.receive(6) == "second");
  auto third = server.connect();
  third.send("third");
  server.event("shortage");
  REQUIRE(prlimit(server.process.pid(), RLIMIT_NOFILE, &before, nullptr) == 0);
  CHECK(third.receive(5) == "third");
}

/// Clients that a server has to bear; those that are still there leave when this goes.
class BadCompany {
 public:
  explicit BadCompany(const Server& server) {
    for (int i = 0; i < 5; ++i) {
      server.connect();  // and vanishes
      server.connect().reset();
      silent_.push_back(server.connect());
      auto reset_later = server.connect();
      reset_later.send(noise(100'000));
      reset_later.reset();
      auto half_closed = server.connect();
      half_closed.send("half");
      half_closed.finish();
      silent_.push_back(std::move(half_closed));
      flood(server.connect());
    }
    slow_.push_back(server.connect());
  }
  /// A byte of one that takes its time.
  void speak() { slow_.front().send("s"); }

 private:
  /// Sends as long as it can, and reads nothing.
  void flood(Peer peer) {
    const auto much = noise(1'000'000);
    for (ssize_t put = 1; put > 0;)
      put = ::send(peer.fd(), much.data(), much.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    silent_.push_back(std::move(peer));
  }

  std::vector<Peer> silent_, slow_;
};

TEST_CASE("server: clients that misbehave disturb no other, and leave nothing behind") {
  Server target({"-k", "--handler", "echo"});
  for (const std::vector<std::string>& words : {std::vector<std::string>{"--handler", "echo"},
                                                {"--handler", "upper"},
                                                {"--exec", "--", "cat"},
                                                {"--forward", target.endpoint()}}) {
    Server server(std::vector<std::string>{"-k"} + words);
    CAPTURE(server.process.command());
    auto good = server.connect();
    {
      BadCompany company(server);
      for (int i = 0; i < 20; ++i) {
        company.speak();
        check_echo(good, std::to_string(1000 + i));
      }
    }
    check_echo(good, "AND AFTERWARDS");
    good.close();
    server.wait_until_free();
    server.stop();
  }
  target.wait_until_free();
}

TEST_CASE("server: chargen and discard bear the same clients") {
  for (const std::string handler : {"chargen", "discard", "daytime"}) {
    Server server({"-k", "--handler", handler});
    CAPTURE(handler);
    { BadCompany company(server); }
    server.wait_until_free();
    server.stop();
  }
}

TEST_CASE("server: SIGTERM with --drain-timeout lets 100 transfers come to their ends") {
  const Folder folder;
  const auto content = noise(is_sanitized() ? 500'000 : 2'000'000);
  const auto file = write_file(folder / "file", content);
  Server server({"-k", "--send", file, "--drain-timeout", "10s"}, "unix:" + (folder / "socket"));
  std::vector<Peer> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(server.connect());
  for (auto& client : clients) CHECK(client.receive(1) == content.substr(0, 1));
  server.process.signal(SIGTERM);
  CHECK(server.event("draining").at("connections") == 100);
  CHECK_THROWS(server.connect());
  for (auto& client : clients) {
    CHECK(difference(client.receive_all(), content.substr(1)) == "");
    client.close();
  }
  check_end(server.process, killed_by(SIGTERM));
  CHECK(!contains(server.process.out(), "\"complete\":false"));
  CHECK(!fs::exists(folder / "socket"));
}

TEST_CASE("server: who has not ended when --drain-timeout is over is cut off, once it is over") {
  Server server({"-k", "--handler", "echo", "--drain-timeout", "1s"});
  auto client = server.connect();
  check_echo(client, "here");
  const auto begun = std::chrono::steady_clock::now();
  server.process.signal(SIGTERM);
  server.event("draining");
  check_echo(client, "still here");
  check_end(server.process, killed_by(SIGTERM));
  const auto took = std::chrono::steady_clock::now() - begun;
  CHECK(took >= 1s);
  CHECK(took < 1900ms);
  CHECK(client.ends_by_reset());
}

TEST_CASE("server: a second SIGTERM ends it at once") {
  const Folder folder;
  Server server({"-k", "--handler", "echo", "--drain-timeout", "100s"}, "unix:" + (folder / "socket"));
  auto client = server.connect();
  check_echo(client, "here");
  server.process.signal(SIGTERM);
  server.event("draining");
  check_echo(client, "still here");
  server.stop();
  CHECK(folder.size() == 0);
}

}  // namespace

}  // namespace test

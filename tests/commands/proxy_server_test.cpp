// listen --handler proxy: whom it serves, whom it connects them to, and what it makes of the others.
#include <signal.h>

#include <thread>

#include "../support/certificates.hpp"
#include "../support/name_service.hpp"
#include "../support/ports.hpp"
#include "../support/server.hpp"

namespace test {

namespace {

using Words = std::vector<std::string>;
using namespace std::string_literals;

const std::string hello5 = "\5\1\0"s, answer5 = "\5\0"s;  // without a user

/// A request of SOCKS 5 for a name.
std::string request5(const std::string& host, const std::string& port) {
  return "\5\1\0\3"s + static_cast<char>(host.size()) + host + port_bytes(port);
}

/// The number of the reply of SOCKS 5 to a client that asks for the host.
int reply_to(Peer client, const std::string& host, const std::string& port) {
  client.send(hello5 + request5(host, port));
  CHECK(client.receive(2) == answer5);
  const auto reply = client.receive(10);
  REQUIRE(reply.size() == 10);
  CHECK(reply[0] == 5);
  client.finish();
  if (reply[1] != 0) CHECK(client.receive_all() == "");
  return reply[1];
}

/// The first line of what HTTP answers.
std::string status_of(Peer client, const std::string& target) {
  client.send("CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n\r\n");
  client.finish();
  const auto answer = client.receive_all();
  return answer.substr(0, answer.find('\r'));
}

/// A proxy, and a target on a port of 127.0.0.1 that its clients may be connected to.
struct Proxied {
  explicit Proxied(const Words& more = {}) : server(Words{"-k", "--handler", "proxy"} + rules() + more) {}
  Words rules() const { return {"--proxy-to", "127.0.0.1:" + target.port()}; }

  /// A client that is connected to the target by these bytes, after an answer that begins so.
  Peer open(const std::string& bytes, const std::string& answer, std::size_t size) {
    auto near = server.connect();
    near.send(bytes);
    const auto got = near.receive(size);
    CHECK(got.size() == size);
    CHECK(got.starts_with(answer));
    return near;
  }
  Peer open() { return open(hello5 + request5("127.0.0.1", target.port()), answer5 + "\5\0\0\1"s, 12); }

  PeerListener target;
  Server server;
};

std::string on_loopback(const Words& words) {
  Process process(sockx({"listen", "-k", "--handler", "proxy"}) + words);
  check_end(process, exited(2));
  return process.err();
}

}  // namespace

TEST_CASE("proxy: bytes behind the request reach the target, and either half ends by itself") {
  Proxied proxied;
  const auto port = port_bytes(proxied.target.port());
  const auto authority = "127.0.0.1:" + proxied.target.port();
  struct Row {
    std::string protocol, bytes, answer;
    std::size_t size;
  };
  for (const auto& [protocol, bytes, answer, size] : {
           Row{"SOCKS4", "\4\1"s + port + "\x7f\0\0\1ann\0"s, "\0\x5a"s, 8},
           Row{"SOCKS4a", "\4\1"s + port + "\0\0\0\1\0"s + "127.1\0"s, "\0\x5a"s, 8},
           Row{"SOCKS5", "\5\2\1\0"s + "\5\1\0\1\x7f\0\0\1"s + port, answer5 + "\5\0\0\1\x7f\0\0\1"s, 12},
           Row{"SOCKS5", hello5 + request5("127.0.0.1", proxied.target.port()), answer5 + "\5\0\0\1"s, 12},
           Row{"HTTP", "CONNECT " + authority + " HTTP/1.1\r\n\r\n", "HTTP/1.1 200 ", 39},
       }) {
    CAPTURE(protocol);
    auto near = proxied.open(bytes + "glued", answer, size);
    auto far = proxied.target.accept();
    CHECK(far.receive(5) == "glued");
    const auto told = proxied.server.event("proxy");
    CHECK(told.at("protocol") == protocol);
    CHECK(told.at("result") == "connected");
    CHECK(told.at("address") == authority);
    near.finish();
    CHECK(far.receive_all() == "");
    far.send("answer");
    CHECK(near.receive(6) == "answer");
    far.finish();
    CHECK(near.receive_all() == "");
    const auto closed = proxied.server.event("closed");
    CHECK(closed.at("complete") == true);
    CHECK(closed.at("received") == 5);
    CHECK(closed.at("sent") == 6);
  }
  proxied.server.wait_until_free();
}

TEST_CASE("proxy: a reset of either side is a reset of the other") {
  Proxied proxied;
  auto near = proxied.open(), far = proxied.target.accept();
  far.send("half");
  CHECK(near.receive(4) == "half");
  far.reset();
  CHECK(near.ends_by_reset());
  CHECK(proxied.server.event("closed").at("complete") == false);
  auto last = proxied.open(), beyond = proxied.target.accept();
  last.reset();
  CHECK(beyond.ends_by_reset());
  CHECK(proxied.server.event("closed").at("complete") == false);
  proxied.server.wait_until_free();
}

TEST_CASE("proxy: a hundred tunnels at once are whole") {
  Server target({"-k", "--handler", "echo"});
  Server server({"-k", "--handler", "proxy", "--proxy-to", target.endpoint()});
  const auto content = noise(is_sanitized() ? 200'000 : 1'000'000);
  const auto talk = [&] {
    for (int i = 0; i < 10; ++i) {
      auto peer = server.connect();
      peer.send("CONNECT " + target.endpoint() + " HTTP/1.1\r\n\r\n");
      CHECK(peer.receive(39) == "HTTP/1.1 200 Connection established\r\n\r\n");
      std::thread sending([&] {
        peer.send(content);
        peer.finish();
      });
      const auto back = peer.receive_all();
      sending.join();
      CHECK(difference(back, content) == "");
    }
  };
  std::vector<std::thread> clients;
  for (int i = 0; i < 10; ++i) clients.emplace_back(talk);
  for (auto& client : clients) client.join();
  server.wait_until_free();
}

TEST_CASE("proxy: a long tunnel is spliced in both directions") {
  Proxied proxied({"--trace"});
  const auto content = noise(2'000'000);
  auto near = proxied.open(), far = proxied.target.accept();
  for (const auto& [from, to] : {std::pair{&near, &far}, {&far, &near}}) {
    std::thread sending([&, from = from] {
      from->send(content);
      from->finish();
    });
    CHECK(difference(to->receive_all(), content) == "");
    sending.join();
  }
  proxied.server.event("closed");
  proxied.server.stop();
  std::size_t spliced = 0, copied = 0;
  for (const auto& line : lines_of(proxied.server.process.err())) {
    spliced += contains(line, "\"call\":\"splice\"") ? 1U : 0U;
    copied += contains(line, "\"call\":\"send\"") || contains(line, "\"call\":\"write\"") ? 1U : 0U;
  }
  CHECK(spliced >= 4);
  CHECK(copied <= 8);  // the reply, and the beginning of each direction
}

TEST_CASE("proxy: this host and its link are denied, however they are written") {
  PeerListener target;
  Server server({"-k", "--handler", "proxy"});
  for (const auto* host : {"127.0.0.1",
                           "127.1",
                           "2130706433",
                           "0x7f.1",
                           "0177.0.0.1",
                           "0x7f000001",
                           "localhost",
                           "LOCALHOST",

                           "0.0.0.0",
                           "0",
                           "::",
                           "::1",
                           "::ffff:127.0.0.1",
                           "::ffff:7f00:1",
                           "::127.0.0.1",
                           "64:ff9b::127.0.0.1",
                           "::ffff:0.0.0.0",
                           "127.255.255.254",
                           "169.254.169.254",
                           "fe80::1%lo",
                           "fe80::1",
                           "224.0.0.1",
                           "ff02::1%lo",
                           "255.255.255.255",
                           "0:0:0:0:0:0:0:1",
                           "::1%1"}) {
    CAPTURE(std::string(host));
    CHECK(reply_to(server.connect(), host, target.port()) == 2);
    const auto told = server.event("proxy");
    CHECK(told.at("result") == "denied");
    CHECK(told.find("address") == told.end());
  }
  const auto port = port_bytes(target.port());
  for (const auto& address :
       {"\1\x7f\0\0\1"s, "\1\0\0\0\0"s, "\4"s + std::string(16, '\0'), "\4"s + std::string(15, '\0') + '\1',
        "\4"s + std::string(10, '\0') + "\xff\xff\x7f\0\0\1"s}) {
    auto client = server.connect();
    client.send(hello5 + "\5\1\0"s + address + port);
    CHECK(client.receive(12) == answer5 + "\5\2\0\1\0\0\0\0\0\0"s);
  }
  auto old = server.connect();
  old.send("\4\1"s + port + "\x7f\0\0\1\0"s);
  CHECK(old.receive_all() == "\0\x5b\0\0\0\0\0\0"s);
  old = server.connect();
  old.send("\4\1"s + port + "\0\0\0\1\0localhost\0.example.com"s);
  CHECK(old.receive_all() == "\0\x5b\0\0\0\0\0\0"s);
  for (const auto* host : {"127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[::]", "localhost", "2130706433"})
    CHECK(status_of(server.connect(), host + ":"s + target.port()) == "HTTP/1.1 403 Forbidden");
  for (const auto& host :
       {"localhost\0.example.com"s, "127.0.0.1\0.example.com"s, "user@127.0.0.1"s, "[::1%lo]"s})
    CHECK(status_of(server.connect(), host + ":"s + target.port()) == "HTTP/1.1 400 Bad Request");
  // What is no name is not looked up.
  for (const auto& host : {"localhost\0.example.com"s, "local host"s, "[::1]"s, "a\nb"s, "unix:/tmp/x"s, ""s})
    CHECK(reply_to(server.connect(), host, target.port()) == 1);
  CHECK(has_nothing_to_receive(server.connect()));
  server.wait_until_free();
}

TEST_CASE("proxy: a client is not connected to the proxy itself") {
  Server server({"-k", "--handler", "proxy", "--proxy-to", "localhost,0.0.0.0,::"});
  for (const auto* host :
       {"127.0.0.1", "127.0.0.9", "localhost", "0.0.0.0", "::ffff:127.0.0.1", "::1", "::"}) {
    CAPTURE(host);
    CHECK(reply_to(server.connect(), host, server.port()) == 2);
    CHECK(contains(server.event("proxy").at("reason"), "it is this proxy itself"));
  }
}

TEST_CASE("proxy: a name that is permitted does not permit loopback, and the rules see what is dialed") {
  const Folder folder;
  const NameService names(NameService::Dns::none,
                          "0.0.0.0 zero.example\n"
                          "::ffff:127.0.0.1 mapped.example\n"
                          "169.254.169.254 link.example\n"
                          "fe80::1 link6.example\n"
                          "127.0.0.1 mixed.example\n"
                          "192.0.2.1 mixed.example\n");
  if (!names.works()) return;
  const auto path = "unix:" + (folder / "proxy");
  Server server(
      {"-k", "--handler", "proxy", "--proxy-to", "example", "--proxy-deny", "192.0.2.2,six.example"}, path,
      names.within({}));
  struct Row {
    const char* host;
    int reply;
    const char* reason;
  };
  for (const auto& [host, reply, reason] : {
           Row{"loop.example", 2, "127.0.0.1 is a loopback address, which no rule names"},
           Row{"zero.example", 2, "0.0.0.0 is an unspecified address, which no rule names"},
           Row{"mapped.example", 2, "127.0.0.1 is a loopback address, which no rule names"},
           Row{"link.example", 2, "169.254.169.254 is a link-local address, which no rule names"},
           Row{"link6.example", 2, "fe80::1 is a link-local address, which no rule names"},
           Row{"mixed.example", 3, "192.0.2.1:80: Network is unreachable"},
           Row{"six.example", 2, "denied by six.example"},
           Row{"198.51.100.7", 2, "no rule permits it"},
           Row{"plain", 2, "no rule permits it"},
           Row{"notexample", 4, "getaddrinfo notexample"},
           Row{"none.example", 4, "getaddrinfo none.example"},
           Row{"one.example", 3, "192.0.2.1:80: Network is unreachable"},
           Row{"many.example", 3, "Network is unreachable"},
       }) {
    CAPTURE(host);
    CHECK(reply_to(server.connect(), host, "80") == reply);
    const auto told = server.event("proxy");
    CHECK(told.at("target") == host + ":80"s);
    CHECK_MESSAGE(contains(told.at("reason"), reason), std::string(told.at("reason")));
    CHECK_FALSE(contains(told.at("reason"), "192.0.2.2"));
  }
}

TEST_CASE("proxy: look-ups that nobody answers delay other look-ups only, and do not pile up") {
  const Folder folder;
  const NameService names(NameService::Dns::is_silent);
  if (!names.works()) return;
  Server server({"-k", "--handler", "proxy", "--proxy-to", "127.0.0.1", "--connect-timeout", "1h"},
                "unix:" + (folder / "proxy"), names.within({}));
  std::vector<Peer> asking;
  for (int i = 0; i < 300; ++i) {
    asking.push_back(server.connect());
    asking.back().send(hello5 + request5("name" + std::to_string(i) + ".test", "80"));
    CHECK(asking.back().receive(2) == answer5);
    if (i % 2 == 0) asking.back().close();
  }
  CHECK(reply_to(server.connect(), "127.0.0.1", "1") == 5);
  const auto pid = std::to_string(server.process.pid());
  const auto threads = fs::directory_iterator("/proc/" + pid + "/task");
  CHECK(std::distance(begin(threads), end(threads)) <= 102);
}

TEST_CASE("proxy: a target that refuses, is silent or does not exist is told as what it is") {
  HeldPort nobody;
  PeerListener full(0);
  const auto waiting = Peer::connect(full.port());  // no other has room
  Server server({"-k", "--handler", "proxy", "--proxy-to", "localhost", "-n", "--connect-timeout", "200ms"});
  CHECK(reply_to(server.connect(), "127.0.0.1", nobody.port()) == 5);
  CHECK(server.event("proxy").at("result") == "refused");
  CHECK(status_of(server.connect(), "127.0.0.1:" + nobody.port()) == "HTTP/1.1 502 Bad Gateway");
  CHECK(reply_to(server.connect(), "127.0.0.1", full.port()) == 6);
  CHECK(status_of(server.connect(), "127.0.0.1:" + full.port()) == "HTTP/1.1 504 Gateway Timeout");
  CHECK(reply_to(server.connect(), "localhost", full.port()) == 4);  // -n
  server.wait_until_free();
}

TEST_CASE("proxy: a client that goes while its target is dialed is given up") {
  PeerListener full(0);
  const auto waiting = Peer::connect(full.port());  // no other has room
  Server server({"-k", "--handler", "proxy", "--proxy-to", "localhost"});
  auto client = server.connect();
  client.send(hello5 + request5("127.0.0.1", full.port()));
  CHECK(client.receive(2) == answer5);
  eventually("the target is dialed",
             [&] { return server.process.open_descriptors() == server.idle_descriptors() + 2; });
  client.reset();
  CHECK(contains(server.event("closed").at("reason"),
                 "has disconnected while the proxy was connecting to its target"));
  server.wait_until_free();
}

TEST_CASE("proxy: whoever stalls is ended, and nobody waits for him") {
  const std::string authority = "CONNECT 127.0.0.1:80 HTTP/1.1\r\nProxy-Authorization: Basic eA==\r\n\r\n";
  const Words beginnings{hello5 + request5("127.0.0.1", "80"), "\4\1\0\x50\0\0\0\1ann\0localhost\0"s,
                         authority, "\5\1\2\1\3ann\6secret\5\1\0\1\x7f\0\0\1\0\x50"s};
  Proxied proxied({"--idle-timeout", "2s"});
  std::vector<Peer> stalled;
  for (std::size_t i = 0; stalled.size() < (is_sanitized() ? 100 : 500); ++i) {
    const auto& bytes = beginnings[i % beginnings.size()];
    stalled.push_back(proxied.server.connect());
    stalled.back().send(bytes.substr(0, 1 + i / beginnings.size() % (bytes.size() - 2)));
  }
  auto near = proxied.open(), far = proxied.target.accept();
  near.send("served");
  CHECK(far.receive(6) == "served");
  near.close();
  far.close();
  proxied.server.wait_until_free();
  CHECK(proxied.server.process.peak_memory() < (is_sanitized() ? 1'000'000U : 64'000U));
}

TEST_CASE("proxy: who sends a byte now and then has no more time for a request than others") {
  Proxied proxied({"--idle-timeout", "500ms"});
  auto slow = proxied.server.connect();
  slow.send("CONNECT 127.0.0.1:80 HTTP/1.1\r\nA: ");
  eventually("it is ended", [&] {
    try {
      slow.send("x");
      return slow.is_reset();
    } catch (const std::system_error&) {
      return true;
    }
  });
  CHECK(proxied.server.event("closed").at("complete") == false);
  proxied.server.wait_until_free();
}

TEST_CASE("proxy: who is not understood has time to read why, and is not reset") {
  Proxied proxied;
  const auto said = [&](const std::string& bytes) {
    auto client = proxied.server.connect();
    client.send(bytes);
    client.finish();
    return client.receive_all();
  };
  const std::string more(20'000, 'x');
  CHECK(said("\x16\3\1" + more) == "");
  CHECK(said("\6" + more) == "");
  CHECK(said("\5\1\2"s + more) == "\5\xff"s);
  CHECK(said(hello5 + "\5\3\0\1\0\0\0\0\0\0"s + more) == answer5 + "\5\7\0\1\0\0\0\0\0\0"s);
  CHECK(said(hello5 + "\5\2\0\1\x7f\0\0\1\0\x50"s + more) == answer5 + "\5\7\0\1\0\0\0\0\0\0"s);
  CHECK(said("GET http://127.0.0.1/ HTTP/1.1\r\nHost: x\r\n\r\n" + more).starts_with("HTTP/1.1 405 "));
  CHECK(said("BREW / HTTP/1.1\r\n\r\n" + more).starts_with("HTTP/1.1 501 "));
  CHECK(said("CONNECT a:1 HTTP/1.1\r\nA: " + std::string(8'000'000, 'x')).starts_with("HTTP/1.1 431 "));
  std::string many = "CONNECT a:1 HTTP/1.1\r\n";
  while (many.size() < 200'000) many += "a:b\n";
  CHECK(said(many).starts_with("HTTP/1.1 431 "));
  CHECK(said("") == "");
  proxied.server.wait_until_free();
}

TEST_CASE("proxy: nothing that a client says forges a line or reaches the terminal") {
  Proxied proxied({"-v"});
  for (const auto& bytes :
       {"CONNECT a\x1b[2Jb:80 HTTP/1.1\r\n\r\n"s, "CONNECT x HTTP/\x1b[2J\r\n\r\n"s,
        "B\x1b[2J / HTTP/1.1\r\n\r\n"s, hello5 + request5("a\nsockx: forged\x1b[2J", "80"),
        hello5 + request5("a\xe2\x80\xae\xc2\x9b.example", "80"),
        "\4\1\0\x50\0\0\0\1\x1b[2J\0\x1b[2J\n\0"s}) {
    auto client = proxied.server.connect();
    client.send(bytes);
    client.finish();
    client.receive_all();
    proxied.server.event("closed");
  }
  proxied.server.stop();
  for (const auto& said : {proxied.server.process.err(), proxied.server.process.out()}) {
    CHECK_FALSE(contains(said, "\x1b"));
    CHECK_FALSE(contains(said, "\xe2\x80\xae"));
    CHECK_FALSE(contains(said, "\xc2\x9b"));
    CHECK_FALSE(contains(said, "\nsockx: forged"));
  }
}

TEST_CASE("proxy: with users each client shows who it is, and no log says how") {
  const Folder folder;
  const auto file = write_file(folder / "users", "# users\nann:secret-word\n");
  Proxied proxied({"--proxy-auth-file", file, "-vv", "--trace"});
  const auto port = port_bytes(proxied.target.port());
  const std::string method = "\5\1\2"s, request = "\5\1\0\1\x7f\0\0\1"s + port;
  const auto said = [&](const std::string& bytes) {
    auto client = proxied.server.connect();
    client.send(bytes);
    client.finish();
    return client.receive_all();
  };
  {
    auto near = proxied.open(method + "\1\3ann\xbsecret-word"s + request, "\5\2\1\0\5\0\0\1"s, 14);
    auto far = proxied.target.accept();
    CHECK(proxied.server.event("proxy").at("user") == "ann");
  }
  CHECK(said(method + "\1\3ann\xbsecret-worD"s + request) == "\5\2\1\1"s);
  CHECK(said(hello5 + request) == "\5\xff"s);
  CHECK(said("\4\1"s + port + "\x7f\0\0\1ann\0"s) == "\0\x5b\0\0\0\0\0\0"s);
  const auto connect = "CONNECT 127.0.0.1:" + proxied.target.port() + " HTTP/1.1\r\n";
  CHECK(contains(said(connect + "\r\n"), "\r\nProxy-Authenticate: Basic realm=\"sockx\""));
  CHECK(
      said(connect + "Proxy-Authorization: Basic YW5uOnNlY3JldC13b3JE\r\n\r\n").starts_with("HTTP/1.1 407 "));
  const auto right = connect + "Proxy-Authorization: Basic YW5uOnNlY3JldC13b3Jk\r\n\r\n";
  {
    auto near = proxied.open(right, "HTTP/1.1 200 ", 39);
    proxied.target.accept();
  }
  write_file(file, "bob:other-word\n");
  proxied.server.process.signal(SIGHUP);
  proxied.server.event("reloaded");
  CHECK(said(right).starts_with("HTTP/1.1 407 "));
  write_file(file, "someword\n");
  proxied.server.process.signal(SIGHUP);
  proxied.server.process.err_line("the users of the proxy are unchanged");
  CHECK(said(method + "\1\3bob\12other-word"s).substr(0, 4) == "\5\2\1\0"s);
  const auto pid = std::to_string(proxied.server.process.pid());
  const auto arguments = read_file("/proc/" + pid + "/cmdline");
  proxied.server.stop();
  for (const auto& words : {proxied.server.process.err(), proxied.server.process.out(), arguments})
    for (const auto* secret :
         {"secret-wor", "other-word", "c2VjcmV0LXdvc", "YW5uOnNlY3JldC13b3J", "someword"})
      CHECK_FALSE(contains(words, secret));
}

TEST_CASE("proxy: without a host it listens on the loopback, and on another address not for everybody") {
  const Folder folder;
  const auto file = write_file(folder / "users", "ann:secret\n");
  CHECK(Server({"-k", "--handler", "proxy"}, "0").endpoint().starts_with("127.0.0.1:"));
  CHECK(Server({"-k", "--handler", "proxy", "-6"}, "0").endpoint().starts_with("[::1]:"));
  CHECK(Server({"-k", "--handler", "proxy"}, "localhost:0").port() != "0");
  CHECK(Server({"-k", "--handler", "proxy", "--allow", "127.0.0.1"}, "0.0.0.0:0").port() != "0");
  CHECK(Server({"-k", "--handler", "proxy", "--proxy-auth-file", file}, "*:0").port() != "0");
  CHECK(Server({"-k", "--handler", "proxy"}, "unix:" + (folder / "proxy")).endpoint() ==
        "unix:" + (folder / "proxy"));
  const std::string advice = " anybody could use it: restrict it by --proxy-auth-file or --allow";
  CHECK(contains(on_loopback({"0.0.0.0", "0"}), "--handler proxy: on '0.0.0.0'" + advice));
  CHECK(contains(on_loopback({"*:0"}), "--handler proxy: on every address" + advice));
  CHECK(contains(on_loopback({"[::]:0"}), advice));
  CHECK(contains(on_loopback({"--source", "0.0.0.0", "0"}), advice));
  CHECK(contains(on_loopback({"--deny", "192.0.2.1", "0.0.0.0", "0"}), advice));
  CHECK(contains(on_loopback({"--proxy-auth-file", folder / "none", "0"}), "No such file"));
  CHECK(contains(on_loopback({"--proxy-to", "10.0.0.1/8", "0"}),
                 "--proxy-to: '10.0.0.1/8': there are bits set"));
  Process other(sockx({"listen", "-k", "--handler", "echo", "--proxy-deny", ":25", "0"}));
  check_failure(other, 2, "--proxy-deny is for --handler proxy");
  Process alone(sockx({"listen", "--connect-timeout", "1s", "0"}));
  check_failure(alone, 2, "--connect-timeout is for --forward and --handler proxy");
}

TEST_CASE("proxy: curl as a client of each protocol, with users, and by TLS") {
  if (is_missing("curl")) return;
  const Folder folder;
  const auto file = write_file(folder / "users", "ann:secret\n");
  write_file(folder / "page", "the page");
  Process web(
      {"/usr/bin/python3", "-m", "http.server", "--bind", "127.0.0.1", "--directory", folder.path(), "0"});
  const auto url = "http://127.0.0.1:" + port_of(web) + "/page";
  const Words to{"-k", "--handler", "proxy", "--proxy-to", "127.0.0.1"};
  const auto fetched = [&](const Words& more) {
    Process curl(Words{"curl", "-sS", "--noproxy", ""} + more + Words{url}, {.environment = {"no_proxy="}});
    const auto end = curl.wait();
    return end == exited(0) ? curl.out() : "failed: " + curl.err();
  };
  {
    Server server(to);
    const auto at = server.endpoint();
    for (const auto* scheme : {"--socks4", "--socks4a", "--socks5", "--socks5-hostname"})
      CHECK(fetched({scheme, at}) == "the page");
    CHECK(fetched({"-p", "-x", "http://" + at}) == "the page");
    Process denied({"curl", "-sS", "--socks5", at, "http://127.0.0.2:1/"});
    check_end(denied, exited(97));
    CHECK(contains(denied.err(), "(2)"));
  }
  {
    Server server(to + Words{"--proxy-auth-file", file});
    const auto at = server.endpoint();
    CHECK(fetched({"--socks5", at, "--proxy-user", "ann:secret"}) == "the page");
    CHECK(fetched({"-p", "-x", "http://" + at, "--proxy-user", "ann:secret"}) == "the page");
    CHECK(fetched({"-p", "-x", "http://" + at, "--proxy-anyauth", "--proxy-user", "ann:secret"}) ==
          "the page");
    CHECK(contains(fetched({"--socks5", at, "--proxy-user", "ann:wrong"}), "failed: "));
    CHECK(contains(fetched({"-p", "-x", "http://" + at, "--proxy-user", "ann:wrong"}), "407"));
    CHECK(contains(fetched({"--socks4", at}), "failed: "));
  }
  Authority authority("the authority");
  const auto files = authority.sign();
  Server server(to + Words{"--tls", "--tls-cert", files.certificate, "--tls-key", files.key});
  CHECK(fetched({"-p", "-x", "https://" + server.endpoint(), "--proxy-cacert", authority.file()}) ==
        "the page");
  CHECK(fetched({"-p", "-x", "https://" + server.endpoint(), "--proxy-insecure"}) == "the page");
}

TEST_CASE("proxy: several processes serve, and each reads the users again") {
  const Folder folder;
  const auto file = write_file(folder / "users", "ann:secret\n");
  PeerListener target(64);
  Server server(
      {"-k", "--handler", "proxy", "--proxy-to", "127.0.0.1", "--workers", "2", "--proxy-auth-file", file});
  const auto is_admitted = [&](const std::string& credentials) {
    auto client = server.connect();
    client.send("\5\1\2"s + credentials);
    return client.receive(4) == "\5\2\1\0"s;
  };
  for (int i = 0; i < 8; ++i) CHECK(is_admitted("\1\3ann\6secret"s));
  write_file(file, "bob:other\n");
  server.process.signal(SIGHUP);
  for (int i = 0; i < 2; ++i) server.event("reloaded");
  for (int i = 0; i < 8; ++i) {
    CHECK(is_admitted("\1\3bob\5other"s));
    CHECK_FALSE(is_admitted("\1\3ann\6secret"s));
  }
}

}  // namespace test

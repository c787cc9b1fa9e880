// --send-proxy and --accept-proxy: who a server takes the client to be, and what a server is told.
#include <signal.h>

#include "../support/activated.hpp"
#include "../support/certificates.hpp"
#include "../support/ports.hpp"
#include "../support/server.hpp"

namespace test {

namespace {

using Words = std::vector<std::string>;
using namespace std::string_literals;

const auto signature = "\r\n\r\n\0\r\nQUIT\n"s;
const auto local_v2 = signature + "\x20\x00\x00\x00"s;
const auto told_v1 = "PROXY TCP4 192.0.2.1 198.51.100.7 51000 443\r\n"s;
const Words from_loopback{"--accept-proxy", "127.0.0.0/8"};
const Words echoing{"-k", "--handler", "echo"};

/// A client that says the bytes first.
Peer saying(const Server& server, const std::string& bytes) {
  auto peer = server.connect();
  peer.send(bytes);
  return peer;
}

/// Whether the connection is closed without an answer.
bool is_refused(Peer peer) {
  try {
    return peer.receive(1).empty();
  } catch (const std::system_error& error) {
    return error.code().value() == ECONNRESET;
  }
}

void check_bad_input(const Words& words, const std::string& message) {
  Process process(sockx(words));
  check_failure(process, 2, message);
}

/// Version 2 of TCP over loopback.
std::string v2_of(const std::string& source_port, const std::string& destination_port) {
  const auto loopback = "\x7f\0\0\1"s;
  return signature + "\x21\x11\0\x0c"s + loopback + loopback + port_bytes(source_port) +
         port_bytes(destination_port);
}

}  // namespace

TEST_CASE("accept-proxy: log and events show the client that the header names") {
  Server server(echoing + from_loopback + Words{"-v"});
  auto peer = saying(server, told_v1 + "payload");
  CHECK(peer.receive(7) == "payload");
  const auto proxied = server.event("proxied");
  CHECK(proxied.at("peer") == "192.0.2.1:51000");
  CHECK(proxied.at("local") == "198.51.100.7:443");
  CHECK(proxied.at("proxy") == "127.0.0.1:" + port_of(peer));
  CHECK(server.event("accepted").at("peer") == "192.0.2.1:51000");
  server.process.err_line("forwards 192.0.2.1:51000, which has connected to 198.51.100.7:443");
  server.process.err_line("connection 1 from 192.0.2.1:51000");
  peer.finish();
  CHECK(peer.receive_all() == "");
  CHECK(server.event("closed").at("peer") == "192.0.2.1:51000");
  server.stop();
}

TEST_CASE("accept-proxy: the access rules are asked of the client that the header names") {
  Server server(echoing + from_loopback +
                Words{"-v", "--allow", "192.0.2.0/24", "--deny", "192.0.2.9,uid:0"});
  auto allowed = saying(server, told_v1);
  check_echo(allowed, "ping");
  server.event("accepted");
  CHECK(is_refused(saying(server, "PROXY TCP4 192.0.2.9 198.51.100.7 51000 443\r\n")));
  auto refused = server.event("refused");
  CHECK(refused.at("peer") == "192.0.2.9:51000");
  CHECK(refused.at("reason") == "denied by 192.0.2.9");
  server.process.err_line("192.0.2.9:51000 was turned away: denied by 192.0.2.9");
  CHECK(is_refused(saying(server, "PROXY TCP6 2001:db8::1 2001:db8::2 51000 443\r\n")));
  refused = server.event("refused");
  CHECK(refused.at("peer") == "[2001:db8::1]:51000");
  CHECK(refused.at("reason") == "no rule allows it");
  // The proxy's own connections have its own address.
  CHECK(is_refused(saying(server, "PROXY UNKNOWN\r\n")));
  CHECK(server.event("refused").at("peer").get<std::string>().starts_with("127.0.0.1:"));
  server.stop();
}

TEST_CASE("accept-proxy: who is not one of the proxies is refused, with a header or without") {
  Server server(echoing + Words{"-v", "--accept-proxy", "192.0.2.1,198.51.100.0/24", "--allow", "127.0.0.1"});
  for (const auto& words : {told_v1, "payload"s}) {
    CHECK(is_refused(saying(server, words)));
    const auto refused = server.event("refused");
    CHECK(refused.at("reason") == "it is not one of the proxies that may connect");
    CHECK(refused.at("peer").get<std::string>().starts_with("127.0.0.1:"));
    server.process.err_line("was turned away");
  }
  server.stop();
}

TEST_CASE("accept-proxy: a missing or wrong header is refused at once, and others are served") {
  Server server(echoing + from_loopback + Words{"-v"});
  auto waiting = server.connect();
  for (const auto& [words, reason] :
       {std::pair("GET / HTTP/1.1\r\n\r\n"s,
                  "'GET / HTTP/1.1\\x0d\\x0a\\x0d\\x0a' does not begin a PROXY header"),
        std::pair("PROXY TCP4 192.0.2.1 198.51.100.7 51000 65536\r\n"s,
                  "the PROXY header: '65536' is not a port"),
        std::pair(signature + "\x21\x11\0\0"s,
                  "the PROXY header: 0 bytes are too few for the addresses, which have 12"),
        std::pair("PROXY TCP4 \x1b[2J x 1 2\r\n"s, "the PROXY header: '\\x1b[2J' is not an IPv4 address")}) {
    CHECK(is_refused(saying(server, words)));
    const auto refused = server.event("refused");
    CHECK(refused.at("reason") == reason);
    CHECK(refused.at("peer").get<std::string>().starts_with("127.0.0.1:"));
    server.process.err_line("could not be served");
  }
  waiting.send(told_v1);
  check_echo(waiting, "ping");
  server.stop();
}

TEST_CASE(
    "accept-proxy: clients that stall at each byte of the header are refused, and nobody waits for them") {
  Server server(echoing + from_loopback);
  std::vector<Peer> stalled;
  for (std::size_t size = 0; size < told_v1.size(); ++size)
    stalled.push_back(saying(server, told_v1.substr(0, size)));
  auto served = saying(server, told_v1);
  check_echo(served, "ping");
  for (auto& peer : stalled) CHECK(is_refused(std::move(peer)));
  for (std::size_t i = 0; i < stalled.size(); ++i)
    CHECK(server.event("refused").at("reason") == "no PROXY header within 3 s");
  check_echo(served, "pong");
  served.close();
  server.wait_until_free();
  server.stop();
}

TEST_CASE("accept-proxy: programs learn the told addresses, and LOCAL and UNKNOWN keep the real ones") {
  const Words program{"--sh", "echo $SOCKX_PEER_ADDR:$SOCKX_PEER_PORT $SOCKX_LOCAL_ADDR:$SOCKX_LOCAL_PORT"};
  Server server(Words{"-k"} + from_loopback + program);
  CHECK(saying(server, told_v1).receive_all() == "192.0.2.1:51000 198.51.100.7:443\n");
  CHECK(saying(server, "PROXY TCP6 2001:db8::1 ::1 1 2\r\n").receive_all() == "2001:db8::1:1 ::1:2\n");
  auto name_v2 = signature + "\x21\x31\x00\xd8/run/a\x1b"s;
  name_v2.resize(16 + 216);
  CHECK(saying(server, name_v2).receive_all() == "/run/a\\x1b:0 :0\n");
  for (const auto& own : {local_v2, "PROXY UNKNOWN\r\n"s}) {
    auto peer = saying(server, own);
    const auto real = "127.0.0.1:" + port_of(peer) + " 127.0.0.1:" + server.port() + "\n";
    CHECK(peer.receive_all() == real);
  }
  server.stop();
}

TEST_CASE("accept-proxy: in a chat a client has the name that the header tells") {
  Process server(sockx({"listen", "--chat", "--accept-proxy", "127.0.0.1", "127.0.0.1", "0"}),
                 {Stdio::pipe()});
  auto peer = Peer::connect(port_of(server));
  peer.send(told_v1 + "hello\n");
  server.out_line("192.0.2.1:51000: hello");
}

TEST_CASE("accept-proxy: a single conversation is with the first client that is admitted") {
  Process server(sockx({"listen", "-v", "--deny", "192.0.2.9", "--line", "welcome"}) + from_loopback +
                 Words{"127.0.0.1", "0"});
  const auto port = port_of(server);
  const auto says = [&](const std::string& bytes) {
    auto peer = Peer::connect(port);
    peer.send(bytes);
    return peer;
  };
  CHECK(is_refused(says("GET / HTTP/1.1\r\n\r\n")));
  server.err_line("does not begin a PROXY header");
  CHECK(is_refused(says("PROXY TCP4 192.0.2.9 198.51.100.7 51000 443\r\n")));
  server.err_line("192.0.2.9:51000 was turned away: denied by 192.0.2.9");
  says("").close();
  server.err_line("could not be served: the connection ended without a PROXY header");
  auto peer = says(told_v1);
  CHECK(peer.receive(8) == "welcome\n");
  server.err_line("connected to 192.0.2.1:51000 from 198.51.100.7:443");
  peer.send("thanks");
  peer.finish();
  check_end(server, exited(0));
  CHECK(server.out() == "thanks");
}

TEST_CASE("accept-proxy: sockets of a service manager and several processes have it too") {
  {
    PeerListener listener;
    Process::Options options;
    options.inherited = {listener.fd()};
    Process server(
        activated_command("listen", {listener.fd()},
                          {"-k", "--sh", "echo $SOCKX_PEER_ADDR", "--accept-proxy", "127.0.0.1"}, ""),
        options);
    auto peer = Peer::connect(listener.port());
    peer.send(told_v1);
    CHECK(peer.receive_all() == "192.0.2.1\n");
  }
  {
    PeerListener listener;
    auto peer = Peer::connect(listener.port());
    const auto accepted = listener.accept();
    peer.send(told_v1);
    Process server(
        sockx({"listen", "--inetd", "--sh", "echo $SOCKX_PEER_ADDR", "--accept-proxy", "127.0.0.1"}),
        {.in = Stdio::given(accepted.fd()), .out = Stdio::given(accepted.fd())});
    CHECK(peer.receive(10) == "192.0.2.1\n");
    check_end(server, exited(0));
  }
  Server server(Words{"-k", "--workers", "2", "--sh", "echo $SOCKX_PEER_ADDR"} + from_loopback);
  for (int i = 0; i < 8; ++i) CHECK(saying(server, told_v1).receive_all() == "192.0.2.1\n");
  CHECK(is_refused(saying(server, "hello\n")));
  server.stop();
}

TEST_CASE(
    "accept-proxy: SIGHUP does not end a server for want of files, and rules of a file follow the told "
    "address") {
  const Folder folder;
  const auto rules = write_file(folder / "rules", "192.0.2.1\n");
  Server server(echoing + from_loopback + Words{"--allow-file", rules});
  auto peer = saying(server, told_v1);
  check_echo(peer, "ping");
  write_file(rules, "192.0.2.2\n");
  server.process.signal(SIGHUP);
  server.event("reloaded");
  CHECK(is_refused(saying(server, told_v1)));
  check_echo(peer, "pong");
  server.stop();
}

TEST_CASE("accept-proxy: at a unix socket the proxies are users") {
  const Folder folder;
  const auto path = "unix:" + (folder / "socket");
  {
    Server server(Words{"-k", "--sh", "echo $SOCKX_PEER_ADDR", "--deny", "uid:" + std::to_string(getuid()),
                        "--accept-proxy", "uid:" + std::to_string(getuid())},
                  path);
    CHECK(saying(server, told_v1).receive_all() == "192.0.2.1\n");
    CHECK(is_refused(saying(server, "PROXY UNKNOWN\r\n")));  // it is the user's own connection
    CHECK(contains(server.event("refused").at("reason"), "denied by uid:"));
    server.stop();
  }
  {
    Server server(echoing + Words{"--accept-proxy", "uid:" + std::to_string(getuid() + 1)}, path);
    CHECK(is_refused(server.connect()));
    server.stop();
  }
  check_bad_input({"listen", "--accept-proxy", "127.0.0.1", path}, "say uid:USER");
  check_bad_input({"listen", "--accept-proxy", "127.0.0.1", "vsock:1:5000"}, "there are no rules");
  check_bad_input({"listen", "--accept-proxy", "uid:0", "--type", "seqpacket", path},
                  "--accept-proxy is for a stream of bytes");
  check_bad_input({"listen", "--accept-proxy", "127.0.0.1/33", "0"}, "--accept-proxy: '127.0.0.1/33'");
  check_bad_input({"recv-file", "--connect", "--accept-proxy", "127.0.0.1", "localhost", "1"},
                  "--accept-proxy");
}

TEST_CASE("accept-proxy: a file is received under the name of the client that is told") {
  const Folder folder;
  Server server(from_loopback + Words{"-k", "-o", folder / "%h"}, "127.0.0.1:0", {}, {}, "recv-file");
  auto peer = saying(server, told_v1 + "content");
  peer.finish();
  CHECK(peer.receive_all() == "");
  CHECK(read_file(folder / "192.0.2.1") == "content");
  CHECK(is_refused(saying(server, "content")));
  server.process.err_line("does not begin a PROXY header");
}

TEST_CASE("send-proxy: a connection begins with its own addresses") {
  PeerListener target;
  const auto& port = target.port();
  for (const std::string version : {"v1", "v2"}) {
    Process client(sockx({"connect", "--send-proxy", version, "--line", "hello", "127.0.0.1", port}));
    auto far = target.accept();
    const auto said = far.receive_all();
    far.close();
    check_end(client, exited(0));
    CAPTURE(said);
    if (version == "v1") {
      CHECK(said.starts_with("PROXY TCP4 127.0.0.1 127.0.0.1 "));
      CHECK(said.ends_with(" " + port + "\r\nhello\n"));
    } else {
      CHECK(said.starts_with(signature + "\x21\x11\0\x0c\x7f\0\0\1\x7f\0\0\1"s));
      CHECK(said.substr(26) == port_bytes(port) + "hello\n");
    }
  }
}

TEST_CASE("send-proxy: a check is a connection of the proxy itself") {
  PeerListener target;
  for (const auto& [version, header] : {std::pair("v1", "PROXY UNKNOWN\r\n"s), std::pair("v2", local_v2)}) {
    Process client(sockx({"connect", "--check", "--send-proxy", version, "127.0.0.1", target.port()}));
    check_end(client, exited(0));
    CHECK(target.accept().receive_all() == header);
  }
}

TEST_CASE("send-proxy: files are sent and fetched behind a header") {
  const Folder folder;
  const auto file = write_file(folder / "file", "content");
  Server server(from_loopback + Words{"-o", folder / "copy"}, "127.0.0.1:0", {}, {}, "recv-file");
  run(sockx({"send-file", "--send-proxy", "v2", file, "127.0.0.1", server.port()}));
  check_end(server.process, exited(0));
  CHECK(read_file(folder / "copy") == "content");

  PeerListener sender;
  Process fetching(sockx({"recv-file", "--connect", "--send-proxy", "v1", "-o", folder / "fetched",
                          "127.0.0.1", sender.port()}));
  auto far = sender.accept();
  far.send("content");
  far.finish();
  CHECK(far.receive_all().starts_with("PROXY TCP4 "));
  check_end(fetching, exited(0));
  CHECK(read_file(folder / "fetched") == "content");

  const auto output = folder / "verified";
  fs::create_directory(output);
  Server verified(from_loopback + Words{"--verified", "--output-dir", output}, "127.0.0.1:0", {}, {},
                  "recv-file");
  run(sockx({"send-file", "--verified", "--streams", "3", "--send-proxy", "v2", file,
             "127.0.0.1:" + verified.port()}));
  check_end(verified.process, exited(0));
  CHECK(read_file(output + "/file") == "content");
}

TEST_CASE("send-proxy: a forwarder tells the addresses of its client, and hands on what it was told") {
  Server last(Words{"-k", "--sh", "echo $SOCKX_PEER_ADDR:$SOCKX_PEER_PORT $SOCKX_LOCAL_PORT"} +
              from_loopback);
  for (const std::string version : {"v1", "v2"}) {
    CAPTURE(version);
    Server forwarder(Words{"-k", "--forward", last.endpoint(), "--send-proxy", version});
    auto peer = forwarder.connect();
    CHECK(peer.receive_all() == "127.0.0.1:" + port_of(peer) + " " + forwarder.port() + "\n");

    Server middle(Words{"-k", "--forward", last.endpoint(), "--send-proxy", version} + from_loopback);
    CHECK(saying(middle, told_v1).receive_all() == "192.0.2.1:51000 443\n");
    auto own = saying(middle, local_v2);  // it does not know better
    CHECK(own.receive_all() == "127.0.0.1:" + port_of(own) + " " + middle.port() + "\n");
  }
}

TEST_CASE("send-proxy: bytes that a forwarder sends are the header and the payload, and no more") {
  PeerListener target;
  Server forwarder(Words{"-k", "--forward", "127.0.0.1:" + target.port(), "--send-proxy", "v2"});
  auto near = forwarder.connect();
  auto far = target.accept();
  near.send("question");
  near.finish();
  CHECK(far.receive_all() == v2_of(port_of(near), forwarder.port()) + "question");
  far.send("answer");
  far.finish();
  CHECK(near.receive_all() == "answer");
}

TEST_CASE("send-proxy: a client of a unix socket is told as one, where the version can") {
  const Folder folder;
  PeerListener target;
  const auto path = folder / "socket";
  for (const std::string version : {"v1", "v2"}) {
    Server forwarder(Words{"-k", "--forward", "127.0.0.1:" + target.port(), "--send-proxy", version},
                     "unix:" + path);
    auto near = forwarder.connect();
    auto far = target.accept();
    near.finish();
    auto expected = "PROXY UNKNOWN\r\n"s;
    if (version == "v2") {
      expected = signature + "\x21\x31\x00\xd8"s + std::string(108, '\0') + path;
      expected.resize(16 + 216);
    }
    CHECK(far.receive_all() == expected);
    forwarder.stop();
  }
}

TEST_CASE("proxy header: it stands before TLS, at both ends") {
  Authority authority("the authority");
  const auto files = authority.sign();
  Server server(Words{"-k", "--sh", "echo $SOCKX_PEER_ADDR:$SOCKX_PEER_PORT", "--tls", "--tls-cert",
                      files.certificate, "--tls-key", files.key, "-v"} +
                from_loopback);
  const auto out = run(sockx({"connect", "--send-proxy", "v2", "--tls", "--tls-ca", authority.file(),
                              "--tls-name", "localhost", "--recv-only", "127.0.0.1", server.port()}));
  CHECK(out.starts_with("127.0.0.1:"));
  server.process.err_line("TLS with " + out.substr(0, out.size() - 1));
  Server forwarder(Words{"-k", "--forward", "tls:" + server.endpoint(), "--tls-ca", authority.file(),
                         "--tls-name", "localhost", "--send-proxy", "v1"} +
                   from_loopback);
  CHECK(saying(forwarder, told_v1).receive_all() == "192.0.2.1:51000\n");
  CHECK(run(sockx({"connect", "--check", "--send-proxy", "v2", "--tls", "--tls-ca", authority.file(),
                   "--tls-name", "localhost", "127.0.0.1", server.port()}))
            .starts_with("127.0.0.1:"));
}

TEST_CASE("send-proxy: what it does not go together with is said") {
  check_bad_input({"connect", "--send-proxy", "v3", "localhost", "1"}, "'v3': say v1 or v2");
  check_bad_input({"connect", "--scan", "--send-proxy", "v1", "localhost", "1"}, "--send-proxy");
  check_bad_input({"connect", "--type", "seqpacket", "--send-proxy", "v1", "unix:@x"},
                  "--send-proxy is for a stream of bytes");
  check_bad_input({"listen", "-k", "--handler", "echo", "--send-proxy", "v1", "0"}, "--forward");
  check_bad_input({"send-file", "--listen", "--send-proxy", "v1", "/dev/null", "0"}, "--send-proxy");
  check_bad_input({"send-file", "--compare", "--send-proxy", "v1", "/dev/null"}, "--send-proxy");
  check_bad_input({"recv-file", "--send-proxy", "v1", "0"}, "--connect");
}

}  // namespace test

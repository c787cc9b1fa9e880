// The PROXY header with HAProxy, which defines it: behind a forwarder of ours, and in front of a server.
#include "../support/certificates.hpp"
#include "../support/server.hpp"
#include "proxies.hpp"

namespace test {

namespace {

/// HAProxy with a listener of the test's; FD and PORT in the lines of its section stand for that.
class Haproxy {
 public:
  explicit Haproxy(const std::string& section) {
    const auto file =
        write_file(folder_ / "haproxy.cfg",
                   "defaults\n  timeout connect 20s\n  timeout client 20s\n  timeout server 20s\nlisten it\n"
                   "  bind fd@" +
                       std::to_string(listener_.fd()) + " " + section);
    Process::Options options;
    options.inherited = {listener_.fd()};
    process_.emplace(Words{path_of("haproxy"), "-db", "-f", file}, options);
  }
  const std::string& port() const { return listener_.port(); }

 private:
  Folder folder_;
  PeerListener listener_;
  std::optional<Process> process_;
};

/// It answers with the addresses that it knows.
const std::string telling =
    "accept-proxy\n  mode http\n  http-request return status 200 content-type text/plain "
    "lf-string \"%[src]:%[src_port] %[dst]:%[dst_port]\"\n";
const std::string request = "GET / HTTP/1.0\r\n\r\n";

std::string address_of(const Peer& peer) { return "127.0.0.1:" + port_of(peer); }

std::string body_of(const std::string& response) { return response.substr(response.find("\r\n\r\n") + 4); }

const Words tells_peer{"--sh", "echo $SOCKX_PEER_ADDR:$SOCKX_PEER_PORT $SOCKX_LOCAL_ADDR:$SOCKX_LOCAL_PORT"};

}  // namespace

TEST_SUITE("haproxy") {
  TEST_CASE("interop haproxy: a forwarder in front of it tells the client, in both versions") {
    if (path_of("haproxy").empty()) return;
    const Haproxy haproxy(telling);
    for (const std::string version : {"v1", "v2"}) {
      CAPTURE(version);
      Server forwarder(Words{"-k", "--forward", "127.0.0.1:" + haproxy.port(), "--send-proxy", version});
      auto peer = forwarder.connect();
      peer.send(request);
      CHECK(body_of(peer.receive_all()) == address_of(peer) + " " + forwarder.endpoint());
      const auto own = run(sockx({"connect", "--send-proxy", version, "--no-shutdown", "--line", request,
                                  "127.0.0.1", haproxy.port()}));
      CHECK(body_of(own).starts_with("127.0.0.1:"));
      CHECK(body_of(own).ends_with(" 127.0.0.1:" + haproxy.port()));
      run(sockx({"connect", "--check", "--send-proxy", version, "127.0.0.1", haproxy.port()}));
    }
  }

  TEST_CASE("interop haproxy: a server behind it sees the client, in both versions, with a checksum too") {
    if (path_of("haproxy").empty()) return;
    Server server(Words{"-k", "--accept-proxy", "127.0.0.0/8"} + tells_peer);
    for (const std::string options :
         {"send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id"}) {
      CAPTURE(options);
      const Haproxy haproxy("\n  mode tcp\n  server s 127.0.0.1:" + server.port() + " " + options + "\n");
      auto peer = Peer::connect(haproxy.port());
      CHECK(peer.receive_all() == address_of(peer) + " 127.0.0.1:" + haproxy.port() + "\n");
    }
    server.stop();
  }

  TEST_CASE("interop haproxy: its health checks come as connections of its own, and it finds the server up") {
    if (path_of("haproxy").empty()) return;
    Server server(Words{"-k", "-v", "-v", "--accept-proxy", "127.0.0.1", "--handler", "echo"});
    for (const std::string options : {"send-proxy check-send-proxy", "send-proxy-v2 check-send-proxy"}) {
      CAPTURE(options);
      const Haproxy haproxy("\n  mode tcp\n  server s 127.0.0.1:" + server.port() + " " + options +
                            " check inter 100ms rise 1 fall 1\n");
      // In version 1 it tells its own addresses.
      const bool is_local = options.starts_with("send-proxy-v2");
      server.process.err_line(is_local ? "is a connection of the proxy itself" : " forwards 127.0.0.1:");
      CHECK(server.event("accepted").at("peer").get<std::string>().starts_with("127.0.0.1:"));
      auto peer = Peer::connect(haproxy.port());
      check_echo(peer, "ping");
    }
    server.stop();
  }

  TEST_CASE("interop haproxy: a server behind it has TLS with the client, behind the header") {
    if (path_of("haproxy").empty()) return;
    Authority authority("the authority");
    const auto files = authority.sign();
    Server server(Words{"-k", "--accept-proxy", "127.0.0.1", "--tls", "--tls-cert", files.certificate,
                        "--tls-key", files.key} +
                  tells_peer);
    const Haproxy haproxy("\n  mode tcp\n  server s 127.0.0.1:" + server.port() + " send-proxy-v2\n");
    const auto told = run(sockx(
        {"connect", "--tls", "--tls-ca", authority.file(), "--recv-only", "localhost", haproxy.port()}));
    CHECK(told.ends_with(" 127.0.0.1:" + haproxy.port() + "\n"));
    server.stop();
  }
}

}  // namespace test

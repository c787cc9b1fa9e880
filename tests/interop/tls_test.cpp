// Conversations over TLS with programs that others have written: either role, TLS 1.2 and 1.3, every order of
// the two ends; and what these programs get wrong.
#include <array>

#include "../support/certificates.hpp"
#include "../support/peer.hpp"
#include "matrix.hpp"

namespace test {

namespace {

struct Trust {
  Authority authority{"the authority"};
  CertificateFiles files = authority.sign();

  Words options(Role role) const {
    if (role == Role::connect) return {"--tls", "--tls-ca", authority.file()};
    return {"--tls", "--tls-cert", files.certificate, "--tls-key", files.key};
  }
};

/// Over IPv4 only: TLS does not see addresses.
PeerProgram over_ipv4(const std::string& name, Words connects, Words listens, Words dials, Words at) {
  return {.name = name,
          .connects = std::move(connects),
          .listens = std::move(listens),
          .dials = {std::move(dials), std::nullopt, std::nullopt},
          .at = {std::move(at), std::nullopt, std::nullopt}};
}

PeerProgram python_tls(const Trust& trust, const std::string& version) {
  const Words words{"/usr/bin/python3", "-IS", source_folder() + "/tests/interop/tls_peer.py", "--version",
                    version};
  return over_ipv4(
      "python3", words + Words{"--ca", trust.authority.file(), "both", "connect"},
      words + Words{"--cert", trust.files.certificate, "--key", trust.files.key, "both", "listen"},
      {"HOST", "PORT"}, {"HOST", "0"});
}

PeerProgram socat_tls(const Trust& trust, const std::string& version) {
  const auto versions =
      ",openssl-min-proto-version=TLS" + version + ",openssl-max-proto-version=TLS" + version;
  const Words words{"socat", "-t", "20", "-"};
  return over_ipv4("socat", words, words, {"OPENSSL:HOST:PORT,cafile=" + trust.authority.file() + versions},
                   {"OPENSSL-LISTEN:0,bind=HOST,verify=0,cert=" + trust.files.certificate +
                    ",key=" + trust.files.key + versions});
}

/// It does not verify, because it knows no addresses in certificates.
PeerProgram ncat_tls(const Trust& trust) {
  auto peer =
      over_ipv4("ncat", {"ncat", "--ssl"},
                {"ncat", "-l", "--ssl", "--ssl-cert", trust.files.certificate, "--ssl-key", trust.files.key},
                {"HOST", "PORT"}, {"HOST", "0"});
  return peer;
}

PeerProgram openssl(const Trust& trust, const std::string& version) {
  const auto flag = version == "1.2" ? "-tls1_2" : "-tls1_3";
  auto peer = over_ipv4("openssl",
                        {"openssl", "s_client", "-quiet", "-verify_quiet", "-verify_return_error", flag,
                         "-CAfile", trust.authority.file()},
                        {"openssl", "s_server", "-quiet", flag, "-naccept", "1", "-cert",
                         trust.files.certificate, "-key", trust.files.key},
                        {"-connect", "HOST:PORT"}, {"-accept", "HOST:0"});
  peer.half_closes = false;
  peer.client_stops_at_our_end = peer.server_stops_at_our_end = true;
  return peer;
}

using Orders = std::vector<Order>;
const Orders every_order{Order::at_once, Order::sockx_first, Order::peer_first, Order::peer_hears_end,
                         Order::sockx_hears_end};

constexpr std::array<std::size_t, 4> sizes_over_tls{0, 1, 64 * 1024, (3U << 20U) + 1};

/// Every order with every size; under AddressSanitizer with the largest, as without TLS.
void check(const PeerProgram& peer, Role role, const Words& options, const Orders& orders = every_order) {
  if (is_missing(peer.name)) return;
  for (const auto size : sizes_over_tls)
    for (const auto order : orders) {
      if (is_sanitized() && size != sizes_over_tls.back()) continue;
      const Cell cell{role, Family::ipv4, Input::pipe, Input::pipe, order, size, size};
      in_cell(cell, [&] { check_cell(peer, cell, options); });
    }
}

/// With both versions of TLS.
template <class MakePeer>
void check_versions(MakePeer make, Role role) {
  const Trust trust;
  for (const std::string version : {"1.2", "1.3"}) {
    CAPTURE(version);
    check(make(trust, version), role, trust.options(role));
  }
}

TEST_CASE("interop: sockx to python3 over TLS") { check_versions(python_tls, Role::connect); }
TEST_CASE("interop: python3 to sockx over TLS") { check_versions(python_tls, Role::listen); }
TEST_CASE("interop: sockx to socat over TLS") { check_versions(socat_tls, Role::connect); }
TEST_CASE("interop: socat to sockx over TLS") { check_versions(socat_tls, Role::listen); }
TEST_CASE("interop: openssl s_client to sockx") { check_versions(openssl, Role::listen); }

/// It leaves when it hears our end. On a busy machine it sends one record and then waits in recv(2), whoever
/// the client is. So only what we send.
TEST_CASE("interop: sockx to openssl s_server") {
  const Trust trust;
  for (const std::string version : {"1.2", "1.3"}) {
    auto peer = openssl(trust, version);
    if (is_missing(peer.name)) return;
    peer.server_stops_at_our_end = false;
    for (const auto size : sizes_over_tls) {
      const Cell out{Role::connect, Family::ipv4, Input::pipe, Input::pipe, Order::sockx_alone, size, 0};
      in_cell(out, [&] { check_cell(peer, out, trust.options(Role::connect)); });
    }
  }
}

// What ncat does needs --tls-eof lenient at sockx, because it ends without close_notify.
TEST_CASE("interop: ncat to sockx over TLS") {
  const Trust trust;
  check(ncat_tls(trust), Role::listen, trust.options(Role::listen) + Words{"--tls-eof", "lenient"});
}
// And its server fails when it hears our end.
TEST_CASE("interop: sockx to ncat over TLS") {
  const Trust trust;
  check(ncat_tls(trust), Role::connect,
        trust.options(Role::connect) + Words{"--tls-eof", "lenient", "--no-shutdown"},
        {Order::at_once, Order::sockx_first, Order::peer_first});
}

TEST_CASE("interop: ncat ends without close_notify, which is a failure where that is not allowed") {
  const Trust trust;
  const auto peer = ncat_tls(trust);
  if (is_missing(peer.name)) return;
  for (const auto role : {Role::connect, Role::listen}) {
    const Cell cell{role, Family::ipv4, Input::pipe, Input::pipe, Order::peer_first, 0, 1000};
    in_cell(cell, [&] {
      const auto outcome = converse(peer, cell, trust.options(role));
      INFO(outcome.commands);
      CHECK(outcome.at_sockx == outcome.from_peer);
      CHECK(outcome.sockx == exited(12));
      CHECK(contains(outcome.sockx_err, "the connection has ended without close_notify"));
    });
  }
}

TEST_CASE("interop: curl sends a page to sockx, and gets one") {
  if (is_missing("curl")) return;
  const Trust trust;
  const Folder folder;
  for (const std::string version : {"1.2", "1.3"}) {
    for (const auto size : sizes_over_tls) {
      CAPTURE(version);
      CAPTURE(size);
      const auto page = noise(size);
      Process server(sockx({"listen", "127.0.0.1", "0"}) + trust.options(Role::listen), {Stdio::pipe()});
      Process client({"curl", "-sS", "--noproxy", "*", "--tls-max", version, "--cacert",
                      trust.authority.file(), "-H", "Expect:", "--data-binary",
                      "@" + write_file(folder / "page", page), "https://127.0.0.1:" + port_of(server) + "/"});
      eventually("the page has come", [&] { return server.out().ends_with("\r\n\r\n" + page); });
      server.feed("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + page);
      check_end(client, exited(0));
      check_end(server, exited(0));
      CHECK(difference(client.out(), page) == "");
    }
  }
}

TEST_CASE("interop: sockx gets a page from the web server of openssl") {
  if (is_missing("openssl")) return;
  const Trust trust;
  const Folder folder;
  for (const auto size : sizes_over_tls) {
    CAPTURE(size);
    const auto page = noise(size);
    write_file(folder / "page", page);
    Process server({"openssl", "s_server", "-HTTP", "-naccept", "1", "-cert", trust.files.certificate, "-key",
                    trust.files.key, "-accept", "127.0.0.1:0"},
                   {.in = Stdio::pipe(), .folder = folder.path()});
    const auto got = run(sockx({"connect"}) + trust.options(Role::connect) +
                         Words{"--line", "GET /page HTTP/1.0", "--line", "", "--crlf", "--no-shutdown",
                               "127.0.0.1", port_of(server)});
    CHECK(difference(got, page) == "");
  }
}

}  // namespace

}  // namespace test

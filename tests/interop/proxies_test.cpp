// connect and send-file through proxies that others have written, and chains of them.
#include "proxies.hpp"

#include "../support/certificates.hpp"
#include "../support/server.hpp"

namespace test {

namespace {

const Words our_client = sockx({"connect"});

/// Sends back the first bytes, and ends.
const Words sends_back{"-k", "--sh", "head -c " + std::to_string(payload_size)};

void check_plain(const OtherProxy& proxy) {
  Server target(sends_back), echo_server({"-k", "--handler", "echo"});
  for (const auto& scheme : proxy.schemes) {
    CAPTURE(scheme);
    check_comes_back(our_client + Words{"--no-shutdown", "--proxy", proxy.url(scheme), target.endpoint()});
    if (proxy.passes_half_closes)
      check_comes_back(our_client + Words{"--proxy", proxy.url(scheme), echo_server.endpoint()});
  }
}

void check_tls(const OtherProxy& proxy) {
  Authority authority("the authority");
  const auto files = authority.sign();
  Server target(sends_back + Words{"--tls", "--tls-cert", files.certificate, "--tls-key", files.key});
  for (const auto& scheme : proxy.schemes) {
    CAPTURE(scheme);
    check_comes_back(our_client + Words{"--no-shutdown", "--tls", "--tls-ca", authority.file(), "--proxy",
                                        proxy.url(scheme), "localhost:" + target.port()});
  }
}

void check_files(const OtherProxy& proxy) {
  const Folder folder;
  const auto content = noise(payload_size);
  write_file(folder / "file", content);
  for (const auto& words : {Words{}, Words{"--verified"}}) {
    Process receiver(sockx({"recv-file", "-o", folder / "copy"}) + words + Words{"127.0.0.1:0"});
    run(sockx({"send-file", "--proxy", proxy.url()}) + words +
        Words{folder / "file", "127.0.0.1:" + port_of(receiver)});
    check_end(receiver, exited(0));
    CHECK(difference(read_file(folder / "copy"), content) == "");
    fs::remove(folder / "copy");
  }
}

/// Nobody listens at the target, and what the proxy says about that.
void check_refusal(const OtherProxy& proxy, const std::string& said) {
  const HeldPort nobody;
  for (const auto& scheme : proxy.schemes) {
    Process client(sockx({"connect", "--proxy", proxy.url(scheme), "127.0.0.1", nobody.port()}));
    check_failure(client, 13, "via proxy 127.0.0.1:" + proxy.port + ": " + said);
  }
}

void check_users(const OtherProxy& proxy) {
  Server target(sends_back);
  check_comes_back(our_client + Words{"--no-shutdown", "--proxy", proxy.url(), target.endpoint()});
  for (const std::string wrong : {"", "ann:wrong", "bob:p4ss:word"}) {
    Process client(sockx({"connect", "--proxy", proxy.url(proxy.schemes.front(), wrong), target.endpoint()}));
    check_failure(client, 13, "via proxy 127.0.0.1:" + proxy.port + ": ");
    CHECK_FALSE(contains(client.err(), "wrong"));
  }
}

void check(const OtherProxy& proxy, const std::string& refusal) {
  check_plain(proxy);
  check_tls(proxy);
  check_files(proxy);
  check_refusal(proxy, refusal);
}

}  // namespace

TEST_CASE("interop proxies: through microsocks") {
  if (is_missing("microsocks")) return;
  check(microsocks(), "connection refused (SOCKS5 reply 5)");
  check_users(microsocks(true));
}

TEST_CASE("interop proxies: through tinyproxy") {
  if (is_missing("tinyproxy")) return;
  check(tinyproxy(), "the proxy answered: HTTP/1.1 500 Unable to connect");
  check_users(tinyproxy(true));
}

TEST_CASE("interop proxies: through dante") {
  if (path_of("danted").empty()) return;
  check(danted(), "");
}

TEST_CASE("interop proxies: through ssh -D") {
  if (SshServer::is_missing()) return;
  check(ssh(), "the proxy closed the connection before its answer was complete");
}

TEST_CASE("interop proxies: through ncat --proxy-type http") {
  if (is_missing("ncat")) return;
  check(ncat_proxy(), "the proxy answered: HTTP/1.0 504 Gateway Timeout");
  check_users(ncat_proxy(true));
}

TEST_CASE("interop proxies: through a chain of three") {
  if (is_missing("microsocks") || is_missing("tinyproxy") || path_of("danted").empty()) return;
  const auto first = microsocks(), second = tinyproxy(), third = danted();
  Server target(sends_back);
  check_comes_back(our_client + Words{"--no-shutdown", "--proxy", first.url(), "--proxy", second.url(),
                                      "--proxy", third.url("socks4"), target.endpoint()});
}

TEST_CASE("interop proxies: microsocks, tinyproxy and ncat end both directions when one has ended") {
  PeerListener target;
  const auto check_flaw = [&](const OtherProxy& proxy) {
    CAPTURE(proxy.name);
    Process client(sockx({"connect", "--proxy", proxy.url(), "127.0.0.1", target.port()}),
                   {.in = Stdio::pipe()});
    auto far = target.accept();
    client.close_input();
    CHECK(far.receive_all() == "");
    check_end(client, exited(0));
    CHECK(client.out() == "");
  };
  if (!is_missing("microsocks")) check_flaw(microsocks());
  if (!is_missing("tinyproxy")) check_flaw(tinyproxy());
  if (!is_missing("ncat")) check_flaw(ncat_proxy());
}

}  // namespace test

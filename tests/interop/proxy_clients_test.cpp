// listen --handler proxy with clients that others have written, and chains of our own.
#include "../support/certificates.hpp"
#include "../support/server.hpp"
#include "proxies.hpp"

namespace test {

namespace {

const Words proxy_words{"-k", "--handler", "proxy", "--proxy-to", "127.0.0.1"};

/// A proxy that permits loopback, one that demands a user, one behind TLS, and echo servers behind them.
struct Proxies {
  Authority authority{"the authority"};
  CertificateFiles files = authority.sign();
  Words tls{"--tls", "--tls-cert", files.certificate, "--tls-key", files.key};
  Folder folder;
  Server plain{proxy_words}, secured{proxy_words + tls},
      with_users{proxy_words + Words{"--proxy-auth-file", write_file(folder / "users", "ann:p4ss:word\n")}};
  Server echo{{"-k", "--handler", "echo"}}, secured_echo{Words{"-k", "--handler", "echo"} + tls};
};

/// The server has been asked in this protocol, and has connected.
void check_asked(Server& server, const std::string& protocol, const std::string& user = "") {
  const auto told = server.event("proxy");
  CHECK(told.at("protocol") == protocol);
  CHECK(told.at("result") == "connected");
  if (!user.empty()) CHECK(told.at("user") == user);
}

}  // namespace

TEST_CASE("interop proxies: nc.openbsd is a client of each protocol") {
  if (is_missing("nc.openbsd")) return;
  Proxies proxies;
  for (const auto& [kind, protocol] : {std::pair{"5", "SOCKS5"}, {"4", "SOCKS4"}, {"connect", "HTTP"}}) {
    check_comes_back(
        {"nc.openbsd", "-N", "-X", kind, "-x", proxies.plain.endpoint(), "127.0.0.1", proxies.echo.port()});
    check_asked(proxies.plain, protocol);
  }
}

TEST_CASE("interop proxies: ncat is a client of each protocol, with a user too") {
  if (is_missing("ncat")) return;
  Proxies proxies;
  const auto check_client = [&](Server& server, const char* kind, const Words& user) {
    check_comes_back(Words{"ncat", "--proxy", server.endpoint(), "--proxy-type", kind} + user +
                     Words{"127.0.0.1", proxies.echo.port()});
  };
  for (const auto& [kind, protocol] :
       {std::pair{"socks5", "SOCKS5"}, {"socks4", "SOCKS4"}, {"http", "HTTP"}}) {
    check_client(proxies.plain, kind, {});
    check_asked(proxies.plain, protocol);
  }
  for (const auto& [kind, protocol] : {std::pair{"socks5", "SOCKS5"}, {"http", "HTTP"}}) {
    check_client(proxies.with_users, kind, {"--proxy-auth", "ann:p4ss:word"});
    check_asked(proxies.with_users, protocol, "ann");
  }
}

TEST_CASE("interop proxies: socat is a client of SOCKS4a and HTTP") {
  if (is_missing("socat")) return;
  Proxies proxies;
  const auto target = ":127.0.0.1:" + proxies.echo.port() + ",";
  const Words words{"socat", "-t", "20", "-"};
  check_comes_back(words + Words{"SOCKS4A:127.0.0.1" + target + "socksport=" + proxies.plain.port()});
  check_asked(proxies.plain, "SOCKS4a");
  check_comes_back(words + Words{"PROXY:127.0.0.1" + target + "proxyport=" + proxies.plain.port()});
  check_asked(proxies.plain, "HTTP");
  check_comes_back(words + Words{"PROXY:127.0.0.1" + target +
                                 "proxyauth=ann:p4ss:word,proxyport=" + proxies.with_users.port()});
  check_asked(proxies.with_users, "HTTP", "ann");
}

TEST_CASE("interop proxies: python is a client by its sockets and by the tunnel of http.client") {
  if (is_missing("python3")) return;
  Proxies proxies;
  const auto check_client = [&](Server& server, const char* kind, const Words& more, const Server& target) {
    check_comes_back(Words{"/usr/bin/python3", "-IS", source_folder() + "/tests/interop/proxy_client.py"} +
                     more + Words{kind, server.port(), "localhost", target.port()});
  };
  const Words user{"--user", "ann:p4ss:word"}, over_tls{"--ca", proxies.authority.file()};
  for (const auto& [kind, protocol] :
       {std::pair{"socks4a", "SOCKS4a"}, {"socks5", "SOCKS5"}, {"http", "HTTP"}}) {
    CAPTURE(kind);
    check_client(proxies.plain, kind, {}, proxies.echo);
    check_asked(proxies.plain, protocol);
    check_client(proxies.plain, kind, over_tls, proxies.secured_echo);
    check_asked(proxies.plain, protocol);
    if (kind == std::string("socks4a")) continue;
    check_client(proxies.with_users, kind, user, proxies.echo);
    check_asked(proxies.with_users, protocol, "ann");
  }
}

TEST_CASE(
    "interop proxies: curl has megabytes and TLS with the target through each kind, TLS to the proxy too") {
  if (is_missing("curl")) return;
  Proxies proxies;
  const auto content = noise(payload_size);
  write_file(proxies.folder / "page", content);
  const auto plain = proxies.plain.endpoint(), secured = "https://localhost:" + proxies.secured.port(),
             trust = proxies.authority.file();
  for (const auto& words : {Words{"--socks4", plain}, Words{"--socks4a", plain}, Words{"--socks5", plain},
                            Words{"--socks5-hostname", plain}, Words{"-p", "-x", "http://" + plain},
                            Words{"-p", "-x", secured, "--proxy-cacert", trust}})
    for (const bool has_tls : {false, true}) {
      Process web(sockx({"listen"}) + (has_tls ? proxies.tls : Words{}) + Words{"127.0.0.1", "0"},
                  {.in = Stdio::pipe()});
      Process curl(Words{"curl", "-sS", "--noproxy", "", "-H", "Expect:", "--cacert", trust, "--data-binary",
                         "@" + (proxies.folder / "page")} +
                       words + Words{(has_tls ? "https://localhost:" : "http://localhost:") + port_of(web)},
                   {.environment = {"no_proxy=", "NO_PROXY="}});
      INFO(curl.command());
      eventually("the page has come",
                 [&] { return web.out_size() > payload_size && web.out().ends_with(content); });
      web.feed("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + std::to_string(payload_size) +
               "\r\n\r\n" + content);
      check_end(curl, exited(0));
      CHECK(difference(curl.out(), content) == "");
      check_end(web, exited(0));
    }
}

TEST_CASE("interop proxies: ssh goes through a proxy by the command of its client") {
  if (SshServer::is_missing()) return;
  Proxies proxies;
  const Folder folder;
  const SshServer ssh(folder);
  Server sshd(Words{"-k", "--exec", "--"} + ssh.serves());
  check_comes_back(ssh.client(
      sockx_binary() + " connect --proxy socks5h://" + proxies.plain.endpoint() + " 127.0.0.1 " + sshd.port(),
      {"-W", proxies.echo.endpoint()}));
  check_asked(proxies.plain, "SOCKS5");
}

TEST_CASE(
    "interop proxies: a chain of socks5h, http and https is whole, and TLS with the target goes through "
    "two") {
  Proxies proxies;
  const auto socks = "socks5h://ann:p4ss:word@" + proxies.with_users.endpoint(),
             http = "http://" + proxies.plain.endpoint(),
             https = "https://localhost:" + proxies.secured.port();
  const Words connect = sockx({"connect", "--tls-ca", proxies.authority.file()});
  check_comes_back(connect +
                   Words{"--proxy", socks, "--proxy", http, "--proxy", https, proxies.echo.endpoint()});
  check_asked(proxies.with_users, "SOCKS5", "ann");
  check_asked(proxies.plain, "HTTP");
  check_asked(proxies.secured, "HTTP");
  check_comes_back(
      connect + Words{"--proxy", socks, "--proxy", http, "--tls", "localhost", proxies.secured_echo.port()});
  for (auto* const server : {&proxies.plain, &proxies.secured, &proxies.with_users})
    server->wait_until_free();
}

}  // namespace test

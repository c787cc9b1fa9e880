// --proxy: connect, send-file and listen --forward through proxies.
#include "../support/certificates.hpp"
#include "../support/events.hpp"
#include "../support/peer.hpp"
#include "../support/proxies.hpp"
#include "../support/server.hpp"

namespace test {

using namespace std::string_literals;

namespace {

Process::Options piped() { return {.in = Stdio::pipe()}; }

std::string url(const std::string& scheme, const std::string& port) {
  return scheme + "://127.0.0.1:" + port;
}

/// Plays a SOCKS5 proxy up to its reply.
Peer accept_socks5(PeerListener& listener, const std::string& name, std::uint16_t port) {
  auto proxy = listener.accept();
  CHECK(proxy.receive(3) == "\5\1\0"s);
  proxy.send(socks5_no_login);
  const auto request = socks5_request_for(name, port);
  CHECK(proxy.receive(request.size()) == request);
  return proxy;
}

}  // namespace

TEST_CASE(
    "--proxy: what is glued to the reply of a SOCKS5 proxy reaches the user, and the event has the proxy") {
  PeerListener listener;
  Process client(
      sockx({"--json", "connect", "--proxy", url("socks5h", listener.port()), "host.example", "443"}),
      piped());
  auto proxy = accept_socks5(listener, "host.example", 443);
  proxy.send(socks5_connected + "hello\n");
  CHECK(client.out_line() == "hello");
  client.write("bye");
  client.close_input();
  CHECK(proxy.receive_all() == "bye");
  proxy.finish();
  check_end(client, exited(0));
  const auto events = events_in(client.err());
  const auto connected = event_of(events, "connected");
  CHECK(connected.at("peer") == "host.example:443");
  CHECK(connected.at("proxy") == "socks5h://127.0.0.1:" + listener.port());
  CHECK(event_of(events, "closed").at("peer") == "host.example:443");
}

TEST_CASE("--proxy: a chain goes through its proxies in order, and a reply may come byte by byte") {
  PeerListener listener;
  Process client(sockx({"connect", "--proxy", url("socks5h", listener.port()), "--proxy",
                        "http://mary:secret@second.example:8080", "--proxy", "socks4a://third.example",
                        "host.example", "443"}),
                 piped());
  auto proxy = accept_socks5(listener, "second.example", 8080);
  for (const char byte : socks5_connected) proxy.send({byte});
  const std::string request =
      "CONNECT third.example:1080 HTTP/1.1\r\nHost: third.example:1080\r\n"
      "Proxy-Authorization: Basic bWFyeTpzZWNyZXQ=\r\n\r\n";
  CHECK(proxy.receive(request.size()) == request);
  for (const char byte : http_connected) proxy.send({byte});
  const auto last = "\4\1\1\xbb\0\0\0\1\0host.example\0"s;
  CHECK(proxy.receive(last.size()) == last);
  for (const char byte : "\0\x5a\0\0\0\0\0\0"s) proxy.send({byte});
  proxy.send("hello");
  proxy.finish();
  client.close_input();
  check_end(client, exited(0));
  CHECK(client.out() == "hello");
}

TEST_CASE("--proxy: a refusal is status 13 and says what the proxy replied") {
  struct Row {
    std::vector<std::string> schemes;
    std::string answer, said;
  };
  for (const auto& row : {
           Row{{"socks5h"},
               "\5\0\5\4\0\1\0\0\0\0\0\0"s,
               "connect host.example:443 via proxy 127.0.0.1:PORT: host unreachable (SOCKS5 reply 4)"},
           Row{{"socks4a"},
               "\0\x5b\0\0\0\0\0\0"s,
               "connect host.example:443 via proxy 127.0.0.1:PORT: request rejected or failed (SOCKS4 reply "
               "91)"},
           Row{{"http"},
               "HTTP/1.1 403 No\x1b way\r\n\r\n",
               "connect host.example:443 via proxy 127.0.0.1:PORT: the proxy answered: HTTP/1.1 403 No? way"},
           Row{{"http"},
               "HTTP/1.1 407 Who?\r\n\r\n",
               "connect host.example:443 via proxy 127.0.0.1:PORT: the proxy requires credentials: HTTP/1.1 "
               "407 Who?; say --proxy-auth-file"},
           Row{{"http"},
               "SSH-2.0-x\r\n",
               "connect host.example:443 via proxy 127.0.0.1:PORT: the proxy does not speak HTTP: its answer "
               "begins with 53 53 48 2d 32"},
           Row{{"socks5h", "http"},
               "\5\0\5\5\0\1\0\0\0\0\0\0"s,
               "connect to proxy 127.0.0.1:PORT via proxy 127.0.0.1:PORT: connection refused (SOCKS5 reply "
               "5)"},
       }) {
    PeerListener listener;
    std::vector<std::string> words{"connect"};
    for (const auto& scheme : row.schemes)
      words = words + std::vector<std::string>{"--proxy", url(scheme, listener.port())};
    Process client(sockx(words + std::vector<std::string>{"host.example", "443"}));
    auto proxy = listener.accept();
    proxy.send(row.answer);
    auto said = row.said;
    for (auto at = said.find("PORT"); at != said.npos; at = said.find("PORT"))
      said.replace(at, 4, listener.port());
    check_failure(client, 13, said);
  }
}

TEST_CASE("--proxy: a head of 8 MiB is refused at 64 KiB") {
  PeerListener listener;
  Process client(sockx({"connect", "--proxy", url("http", listener.port()), "host.example", "443"}));
  auto proxy = listener.accept();
  const std::string line = "X: " + std::string(1019, 'x') + "\r\n";
  std::size_t sent = 0;
  try {
    proxy.send("HTTP/1.1 200 OK\r\n");
    for (; sent < (8U << 20U); sent += line.size()) proxy.send(line);
  } catch (const std::system_error&) {  // the client has closed
  }
  check_failure(client, 13, "the head of the HTTP message is longer than 64 KiB");
}

TEST_CASE(
    "--proxy: a proxy that is silent ends at --connect-timeout with 5, and one that is not there with 4") {
  PeerListener silent;
  for (const auto* const scheme : {"socks5h", "socks4a", "http"}) {
    Process client(sockx({"connect", "--connect-timeout", "100ms", "--proxy", url(scheme, silent.port()),
                          "host.example", "443"}));
    check_failure(client, 5,
                  "connect host.example:443 via proxy 127.0.0.1:" + silent.port() +
                      ": the proxy has not answered in time");
  }
  const HeldPort nobody;
  Process client(sockx({"connect", "--proxy", url("http", nobody.port()), "host.example", "443"}));
  check_failure(client, 4, "connect to proxy 127.0.0.1:" + nobody.port() + ": Connection refused");
}

TEST_CASE("--proxy: names of 255 bytes pass, of 256 are an error, and none is looked up here") {
  if (is_missing("strace")) return;
  const Folder folder;
  const std::string longest(255, 'n');
  const Process::Options under_ptrace{
      .environment = {"ASAN_OPTIONS=detect_leaks=0"}};  // it does not work there
  for (const bool is_numeric : {false, true}) {
    PeerListener listener;
    const auto log = folder / "calls";
    Process client(
        std::vector<std::string>{"strace", "-f", "-o", log, "-e", "trace=openat,socket,connect,sendto"} +
            sockx({"connect"}) + std::vector<std::string>(is_numeric ? 1 : 0, "-n") +
            std::vector<std::string>{"--proxy", url("socks5h", listener.port()), longest, "80"},
        under_ptrace);
    auto proxy = accept_socks5(listener, longest, 80);
    proxy.send(socks5_connected);
    proxy.finish();
    check_end(client, exited(0));
    const auto calls = read_file(log);
    CHECK(contains(calls, "htons(" + listener.port() + ")"));
    for (const std::string sign :
         {"nsswitch", "resolv.conf", "/etc/hosts", "htons(53)", "nscd", "SOCK_DGRAM"})
      CHECK_MESSAGE(!contains(calls, sign), calls);
  }
  for (const auto* const scheme : {"socks4", "socks4a", "socks5", "socks5h", "http"}) {
    const auto log = folder / "none";
    Process client(std::vector<std::string>{"strace", "-f", "-o", log, "-e", "trace=openat,socket,connect"} +
                       sockx({"connect", "--proxy", url(scheme, "1"), longest + "n", "80"}),
                   under_ptrace);
    check_failure(client, 2, "has 1 to 255 bytes for a proxy, and this has 256");
    const auto calls = read_file(log);
    for (const std::string sign : {"nsswitch", "resolv.conf", "/etc/hosts", "connect("})
      CHECK_MESSAGE(!contains(calls, sign), calls);
  }
}

TEST_CASE("--proxy socks4: and socks5: look the name up here") {
  PeerListener listener;
  Process client(sockx({"connect", "--proxy", url("socks4", listener.port()), "localhost", "443"}));
  auto proxy = listener.accept();
  const auto request = "\4\1\1\xbb\x7f\0\0\1\0"s;
  CHECK(proxy.receive(request.size()) == request);
  proxy.send("\0\x5a\0\0\0\0\0\0"s);
  proxy.finish();
  check_end(client, exited(0));
  Process numeric(sockx({"connect", "-n", "--proxy", url("socks5", listener.port()), "localhost", "443"}));
  check_failure(numeric, 3, "getaddrinfo localhost");
}

TEST_CASE(
    "--proxy: the credentials are in no argument, no environment of a child, no log, no trace and no event") {
  const Folder folder;
  write_file(folder / "auth", "mary:swordfish\n");
  struct Row {
    std::vector<std::string> words, environment;
    std::string scheme = "socks5h";
  };
  for (const auto& row : {
           Row{{"--proxy", "URL", "--proxy-auth", "mary:swordfish"}, {}},
           Row{{"--proxy=URL", "--proxy-auth=mary:swordfish"}, {}},
           Row{{"--proxy", "CREDENTIALS"}, {}},
           Row{{"--proxy=CREDENTIALS"}, {}},
           Row{{"--proxy", "URL", "--proxy-auth-file", folder / "auth"}, {}},
           Row{{"--proxy", "URL"}, {"SOCKX_PROXY_AUTH=mary:swordfish"}},
           Row{{"--proxy", "env"}, {"ALL_PROXY=CREDENTIALS", "https_proxy=http://mary:swordfish@other"}},
       }) {
    PeerListener listener;
    const auto filled = [&](std::vector<std::string> words) {
      for (auto& word : words) {
        const auto put = [&word](const std::string& mark, const std::string& text) {
          if (const auto at = word.find(mark); at != word.npos) word.replace(at, mark.size(), text);
        };
        put("URL", url("socks5h", listener.port()));
        put("CREDENTIALS", "socks5h://mary:sword%66ish@127.0.0.1:" + listener.port());
      }
      return words;
    };
    Process client(
        sockx({"--json", "-vv", "--trace", "connect", "--sh", "env >&2; cat /proc/$PPID/environ >&2"}) +
            filled(row.words) + std::vector<std::string>{"host.example", "443"},
        {.environment = filled(row.environment)});
    INFO(client.command());
    auto proxy = listener.accept();
    CHECK(proxy.receive(4) == "\5\2\0\2"s);
    const auto arguments = read_file("/proc/" + std::to_string(client.pid()) + "/cmdline");
    CHECK(contains(arguments, "--proxy"));
    for (const std::string secret : {"mary", "sword"}) CHECK_FALSE(contains(arguments, secret));
    proxy.send("\5\2");
    CHECK(proxy.receive(16) == "\1\4mary\x09swordfish"s);
    proxy.send("\1\0"s);
    const auto request = socks5_request_for("host.example", 443);
    CHECK(proxy.receive(request.size()) == request);
    proxy.send(socks5_connected);
    proxy.finish();
    check_end(client, exited(0));
    CHECK(contains(client.err(), "PATH="));
    for (const std::string secret : {"mary", "sword", "bWFyeT"}) CHECK_FALSE(contains(client.err(), secret));
  }
}

TEST_CASE(
    "--proxy: credentials of a URL come before --proxy-auth, that before the file, and that before the "
    "variable") {
  const Folder folder;
  write_file(folder / "auth", "# users\nu3:p3\n");
  const std::vector<std::string> file{"--proxy-auth-file", folder / "auth"}, option{"--proxy-auth", "u2:p2"};
  struct Row {
    std::string user;
    std::vector<std::string> words;
  };
  for (const auto& row :
       {Row{"u1", file + option}, Row{"u2", file + option}, Row{"u3", file}, Row{"u4", {}}}) {
    PeerListener listener;
    const auto proxy_url =
        (row.user == "u1" ? "socks5h://u1:p1@127.0.0.1:" : "socks5h://127.0.0.1:") + listener.port();
    Process client(
        sockx({"connect", "--proxy", proxy_url}) + row.words + std::vector<std::string>{"h.example", "1"},
        {.environment = {"SOCKX_PROXY_AUTH=u4:p4"}});
    auto proxy = listener.accept();
    CHECK(proxy.receive(4) == "\5\2\0\2"s);
    proxy.send("\5\2");
    CHECK(proxy.receive(7) == "\1\2" + row.user + "\2p" + row.user.back());
    proxy.send("\1\1");
    check_failure(client, 13, "the proxy refuses the user name or the password (status 1)");
  }
}

TEST_CASE(
    "--proxy: --check and --scan have the state proxy-refused with the reply, and open ports are open") {
  PeerListener listener;
  const auto answer = [&](const std::string& reply) {
    auto proxy = listener.accept();
    proxy.receive(3);
    proxy.send(socks5_no_login + reply);
    proxy.ends_by_reset();  // or not: the end of a refusal may not have been read
  };
  {
    Process check(sockx(
        {"--json", "connect", "--check", "--proxy", url("socks5h", listener.port()), "h.example", "9"}));
    answer("\5\2\0\1\0\0\0\0\0\0"s);
    check_end(check, exited(13));
    const auto event = event_of(events_in(check.out()), "check");
    CHECK(event.at("state") == "proxy-refused");
    CHECK(event.at("reply") == "connection not allowed by ruleset (SOCKS5 reply 2)");
    CHECK(event.at("address") == "h.example");
    CHECK(event.at("port") == 9);
  }
  {
    Process check(
        sockx({"connect", "--check", "--proxy", url("socks5h", listener.port()), "h.example", "9"}));
    answer(socks5_connected);
    check_end(check, exited(0));
    CHECK(contains(check.out(), "h.example:9 open"));
  }
  {
    Process scan(sockx({"connect", "--scan", "--parallel", "1", "--proxy", url("socks5h", listener.port()),
                        "h.example", "1-3"}));
    answer(socks5_connected);
    answer("\5\5\0\1\0\0\0\0\0\0"s);
    answer(socks5_connected);
    check_failure(scan, 4, "scan h.example: 2 of 3 ports are open");
    CHECK(scan.out() == "h.example:1 open\nh.example:3 open\nproxy-refused: 2\n");
  }
  const HeldPort nobody;
  for (const auto* const mode : {"--check", "--scan"}) {
    Process process(sockx({"connect", mode, "--proxy", url("http", nobody.port()), "h.example", "9"}));
    check_failure(process, 4, "connect to proxy 127.0.0.1:" + nobody.port() + ": Connection refused");
    CHECK(process.out() == "");
  }
}

TEST_CASE("--proxy: --retry tries again after a refusal that may pass, and not after one that stays") {
  PeerListener listener;
  Process client(sockx({"connect", "--retry", "5", "--retry-delay", "1ms", "--proxy",
                        url("socks5h", listener.port()), "h.example", "9"}));
  for (int refusals = 0; refusals < 2; ++refusals)
    accept_socks5(listener, "h.example", 9).send("\5\5\0\1\0\0\0\0\0\0"s);
  accept_socks5(listener, "h.example", 9).send(socks5_connected + "hello");
  check_end(client, exited(0));
  CHECK(client.out() == "hello");
  Process denied(
      sockx({"connect", "--retry", "5", "--proxy", url("socks5h", listener.port()), "h.example", "9"}));
  accept_socks5(listener, "h.example", 9).send("\5\2\0\1\0\0\0\0\0\0"s);
  check_failure(denied, 13, "connection not allowed by ruleset (SOCKS5 reply 2)");
}

TEST_CASE("--proxy env: ALL_PROXY or HTTPS_PROXY, unless NO_PROXY has the target or none is set") {
  PeerListener listener;
  const auto connect = [](const std::vector<std::string>& environment, const std::string& port) {
    return std::make_unique<Process>(sockx({"connect", "-v", "--proxy", "env", "127.0.0.1", port}),
                                     Process::Options{.environment = environment});
  };
  {
    const auto client = connect({"HTTPS_PROXY=127.0.0.1:" + listener.port()}, "9");
    auto proxy = listener.accept();
    CHECK(proxy.receive(26) == "CONNECT 127.0.0.1:9 HTTP/1");
    proxy.send(http_connected);
    proxy.finish();
    check_end(*client, exited(0));
    CHECK(
        contains(client->err(), "HTTPS_PROXY: 127.0.0.1:9 by the proxy http://127.0.0.1:" + listener.port()));
  }
  for (const std::vector<std::string>& environment :
       {std::vector<std::string>{"ALL_PROXY=http://nonesuch.invalid", "NO_PROXY=x.test,127.0.0.0/8"},
        {"ALL_PROXY="}}) {
    const auto client = connect(environment, listener.port());
    listener.accept().send("direct");
    check_end(*client, exited(0));
    CHECK(client->out() == "direct");
    CHECK(contains(client->err(), ": 127.0.0.1:" + listener.port() + " without a proxy"));
  }
}

TEST_CASE(
    "--proxy: options that do not go together, and values that are wrong, are usage errors without "
    "credentials") {
  const auto refused = [](std::vector<std::string> words, const std::string& said,
                          const std::vector<std::string>& environment = {}) {
    Process process(sockx(std::move(words)), {.environment = environment});
    check_failure(process, 2, said);
    CHECK_FALSE(contains(process.err(), "secret"));
  };
  const std::string socks = "socks5h://h", https = "https://h";
  refused({"connect", "--proxy", "h:1080", "t", "1"}, "--proxy: 'h:1080': say the kind of proxy too");
  refused({"connect", "--proxy", "http", "t", "1"}, "--proxy: 'http': say http://HOST:PORT");
  refused({"connect", "--proxy", "ftp://u:secret@h", "t", "1"}, "--proxy: 'ftp://h': there are the proxies");
  refused({"connect", "--proxy-auth", "u:secret", "t", "1"}, "--proxy-auth");
  refused({"--proxy-auth", "u:secret", "t", "1"}, "`sockx connect --proxy-auth * t 1`");
  refused({"--proxy=http://u:secret@h", "connect", "t", "1"}, "`sockx connect --proxy=http://*@h ...`");
  // Where another word was typed than --proxy-auth or --proxy, the value is still a secret.
  refused({"connect", "--proxyauth=u:secret", "t", "1"}, "'--proxyauth=*': no such option; did you mean");
  refused({"connect", "--Proxy_Auth=u:secret", "t", "1"}, "'--Proxy_Auth=*': no such option");
  refused({"connect", "--proxy-aut=u:secret", "t", "1"}, "'--proxy-aut=*': no such option");
  refused({"connect", "--proxyauth=u", "t", "1"},
          "'--proxyauth=*': no such option; did you mean --proxy-auth?");
  refused({"connect", "--auth=u:secret", "t", "1"}, "'--auth=*': no such option");
  refused({"connect", "--proxy-user=u:secret", "t", "1"}, "--proxy-user: say --proxy-auth USER:PASSWORD");
  refused({"connect", "--proxi=http://u:secret@h", "t", "1"}, "'--proxi=http://*@h': no such option");
  refused({"connect", "--proxi", "http://u:secret@h", "t", "1"}, "'--proxi': no such option");
  refused({"connect", "t", "1", "http://u:secret@h"}, "'http://*@h': one word too many");
  refused({"--proxyauth=u:secret", "connect", "t", "1"}, "'--proxyauth=*': no such option");
  refused({"--proxyauth", "u:secret", "connect", "t", "1"}, "'--proxyauth': no such option");
  refused({"udp", "--proxy-x", "--proxy-auth=u:secret", "t", "1"}, "'--proxy-x': no such option");
  refused({"connect", "--proxy", socks, "--proxy-auth", "secret", "t", "1"},
          "--proxy-auth: there is no colon between a user name and a password");
  refused({"connect", "--proxy", socks, "--proxy-auth-file", "/nonesuch", "t", "1"},
          "--proxy-auth-file: '/nonesuch'");
  refused({"connect", "--proxy", socks, "t", "1"}, "SOCKX_PROXY_AUTH: there is no colon",
          {"SOCKX_PROXY_AUTH=secret"});
  refused({"connect", "--proxy", socks, "--proxy", socks, "--proxy-auth", "u:secret", "t", "1"},
          "--proxy-auth: there are 2 proxies");
  refused({"connect", "--proxy", "socks4a://h", "--proxy-auth", "u:secret", "t", "1"},
          "SOCKS4 has no passwords");
  refused({"connect", "--proxy", "env", "--proxy", socks, "t", "1"}, "--proxy env: it stands alone");
  refused({"connect", "--proxy", "env", "t", "1"}, "--proxy env: all_proxy: 'x://h'",
          {"all_proxy=x://u:secret@h"});
  for (const auto* const target : {"unix:/x", "vsock:2:3", "fd:3"})
    refused({"connect", "--proxy", socks, target}, "a proxy connects to a host and a port");
  refused({"connect", "--proxy", socks, "--type", "seqpacket", "t", "1"}, "leave --type seqpacket out");
  refused({"connect", "--proxy", "socks4://h", "::1", "1"}, "SOCKS4 has no IPv6 addresses");
  refused({"connect", "--proxy", https, "--tls", "t", "1"}, "TLS inside of TLS for now");
  refused({"connect", "--proxy", https, "--proxy", https, "t", "1"}, "TLS inside of TLS for now");
  refused({"connect", "--proxy", https, "--pass-fd", "t", "1"},
          "--pass-fd: it cannot be used with an https proxy");
  refused({"connect", "--proxy", socks, "--tls-insecure", "t", "1"}, "--tls-insecure: say --tls too");
  refused({"send-file", "--proxy", https, "--method", "zerocopy", "/dev/null", "t", "1"},
          "--method zerocopy");
  refused({"send-file", "--proxy", socks, "--listen", "/dev/null", "1"}, "--proxy");
  refused({"send-file", "--proxy", socks, "--compare", "/dev/null", "t", "1"}, "--proxy");
  refused({"listen", "--proxy", socks, "1"}, "--proxy");
}

TEST_CASE(
    "--proxy: send-file goes on with sendfile, and a verified transfer has each stream through the proxy") {
  const Folder folder;
  const auto content = noise(3'000'000);
  write_file(folder / "file", content);
  {
    PeerListener listener;
    Process sender(sockx({"--json", "send-file", "--proxy", url("socks5h", listener.port()), folder / "file",
                          "host.example", "9"}));
    auto proxy = accept_socks5(listener, "host.example", 9);
    proxy.send(socks5_connected);
    CHECK(difference(proxy.receive_all(), content) == "");
    proxy.finish();
    check_end(sender, exited(0));
    const auto sent = event_of(events_in(sender.out()), "sent");
    CHECK(sent.at("method") == "sendfile");
    CHECK(sent.at("peer") == "host.example:9");
    CHECK(sent.at("proxy") == url("socks5h", listener.port()));
  }
  fs::create_directory(folder / "in");
  Process receiver(sockx({"recv-file", "--verified", "--output-dir", folder / "in", "127.0.0.1", "0"}));
  ShellProxy proxy(ShellProxy::Kind::socks5h, "host.example", port_of(receiver), {"-v"});
  Process sender(sockx({"--json", "send-file", "--verified", "--streams", "3", "--proxy",
                        url("socks5h", proxy.port()), folder / "file", "host.example:9"}));
  check_end(sender, exited(0));
  CHECK(event_of(events_in(sender.out()), "sent").at("proxy") == url("socks5h", proxy.port()));
  check_end(receiver, exited(0));
  CHECK(difference(read_file(folder / "in/file"), content) == "");
  for (const std::string number : {"1", "2", "3"}) proxy.process().err_line("connection " + number + " from");
}

TEST_CASE("--proxy: recv-file --connect tells the target and the proxy") {
  PeerListener listener;
  Process receiver(sockx({"--json", "recv-file", "--discard", "--connect", "--proxy",
                          url("socks5h", listener.port()), "host.example", "9"}));
  auto proxy = accept_socks5(listener, "host.example", 9);
  proxy.send(socks5_connected + "content");
  proxy.finish();
  check_end(receiver, exited(0));
  const auto received = event_of(events_in(receiver.out()), "received");
  CHECK(received.at("bytes") == 7);
  CHECK(received.at("peer") == "host.example:9");
  CHECK(received.at("proxy") == url("socks5h", listener.port()));
}

TEST_CASE("--proxy: -4, -6, --source, --interface and --mptcp are about the connection to the proxy") {
  Server proxy({"-k", "--handler", "proxy", "--proxy-to", "127.0.0.1,::1"}),
      proxy6({"-k", "--handler", "proxy", "--proxy-to", "127.0.0.1,::1"}, "[::1]:0");
  Server echo({"-k", "--handler", "echo"}), echo6({"-k", "--handler", "echo"}, "[::1]:0");
  const auto check_echo = [](const std::vector<std::string>& words, const Server& by, const Server& target) {
    for (const std::string scheme : {"socks5h", "socks5", "http"}) {
      Process client(
          sockx({"connect"}) + words +
              std::vector<std::string>{"--proxy", scheme + "://" + by.endpoint(), target.endpoint()},
          piped());
      client.feed("hello");
      check_end(client, exited(0));
      CHECK(client.out() == "hello");
    }
  };
  check_echo({"-4"}, proxy, echo6);
  check_echo({"-6"}, proxy6, echo);
  check_echo({"--source", "127.0.0.9"}, proxy, echo6);
  CHECK(contains(proxy.process.out(), "\"peer\":\"127.0.0.9:"));
  check_echo({"--source", "::1"}, proxy6, echo);
  check_echo({"--interface", "lo"}, proxy, echo6);
  check_echo({"--mptcp"}, proxy, echo);
  Process none(sockx({"connect", "-6", "--proxy", "socks5h://" + proxy.endpoint(), echo6.endpoint()}));
  check_failure(none, 3, "getaddrinfo 127.0.0.1");
  // The name is looked up for the proxy, which has the other family.
  Process client(
      sockx({"connect", "-6", "--proxy", "socks5://[::1]:" + proxy6.port(), "localhost", echo.port()}),
      piped());
  client.feed("hello");
  check_end(client, exited(0));
  CHECK(client.out() == "hello");
}

TEST_CASE("--proxy: a conversation is spliced behind the proxy's reply") {
  PeerListener listener;
  Process client(sockx({"--trace", "connect", "--proxy", url("http", listener.port()), "host.example", "9"}),
                 piped());
  auto proxy = listener.accept();
  const auto content = noise(2'000'000);
  proxy.send(http_connected + content);
  proxy.finish();
  client.close_input();
  check_end(client, exited(0));
  CHECK(difference(client.out(), content) == "");
  CHECK(contains(client.err(), "splice("));
}

TEST_CASE("--proxy: TLS with the target goes through each kind of proxy, and verifies the target's name") {
  Authority authority("the authority");
  const auto files = authority.sign({.names = "DNS:host.example"});
  Process server(sockx({"listen", "-k", "--handler", "echo", "--tls", "--tls-cert", files.certificate,
                        "--tls-key", files.key, "127.0.0.1", "0"}));
  const auto port = port_of(server);
  using Kind = ShellProxy::Kind;
  for (const auto& [kind, scheme] :
       {std::pair{Kind::socks4a, "socks4a"}, {Kind::socks5h, "socks5h"}, {Kind::http, "http"}}) {
    CAPTURE(scheme);
    ShellProxy proxy(kind, "host.example", port);
    Process client(sockx({"--json", "connect", "--tls", "--tls-ca", authority.file(), "--proxy",
                          url(scheme, proxy.port()), "host.example", "443"}),
                   piped());
    client.feed("hello");
    check_end(client, exited(0));
    CHECK(client.out() == "hello");
    const auto tls = event_of(events_in(client.err()), "tls");
    CHECK(tls.at("server_name") == "host.example");
    CHECK(tls.at("peer") == "host.example:443");
  }
}

TEST_CASE("--proxy https: the proxy is verified as a TLS server is, and TLS failures are 12") {
  Authority authority("the authority");
  const auto files = authority.sign();
  Process echo(sockx({"listen", "-k", "--handler", "echo", "127.0.0.1", "0"}));
  ShellProxy proxy(ShellProxy::Kind::http, "", port_of(echo),
                   {"--tls", "--tls-cert", files.certificate, "--tls-key", files.key});
  const auto name = "https://localhost:" + proxy.port();
  {
    Process client(
        sockx({"--json", "connect", "--tls-ca", authority.file(), "--proxy", name, "host.example", "9"}),
        piped());
    client.feed("hello");
    check_end(client, exited(0));
    CHECK(client.out() == "hello");
    const auto events = events_in(client.err());
    CHECK(event_of(events, "tls").at("peer") == "proxy localhost:" + proxy.port());
    CHECK(event_of(events, "connected").at("proxy") == name);
  }
  Process unverified(sockx({"connect", "--proxy", name, "host.example", "9"}));
  check_failure(unverified, 12,
                "TLS proxy localhost:" + proxy.port() + ": unable to get local issuer certificate");
  Process pinned(sockx({"connect", "--tls-pin", "sha256//" + std::string(43, 'A') + "=", "--proxy", name,
                        "host.example", "9"}));
  check_failure(pinned, 12, "the peer's key is not sha256//AAAA");
  Process insecure(sockx({"connect", "--tls-insecure", "--proxy", name, "host.example", "9"}), piped());
  insecure.feed("hello");
  check_end(insecure, exited(0));
  CHECK(insecure.out() == "hello");
  CHECK(contains(insecure.err(), "--tls-insecure: proxy localhost:" + proxy.port() + " is not verified"));
}

TEST_CASE("listen --forward --proxy: each client is forwarded through the proxy") {
  PeerListener listener;
  Process server(sockx({"listen", "-k", "--forward", "host.example:9", "--proxy",
                        url("socks5h", listener.port()), "127.0.0.1", "0"}));
  auto client = Peer::connect(port_of(server));
  client.send("question");
  client.finish();
  auto proxy = accept_socks5(listener, "host.example", 9);
  proxy.send(socks5_connected + "answer");
  CHECK(proxy.receive_all() == "question");
  proxy.finish();
  CHECK(client.receive_all() == "answer");
  auto second = Peer::connect(port_of(server));
  accept_socks5(listener, "host.example", 9).send("\5\5\0\1\0\0\0\0\0\0"s);
  CHECK(second.ends_by_reset());
  CHECK(contains(server.err_line("connection 2 from"),
                 "via proxy 127.0.0.1:" + listener.port() + ": connection refused (SOCKS5 reply 5)"));
}

}  // namespace test

// --retry, --retry-delay and --wait-for: a server that is not there yet, or never comes.
#include <chrono>

#include "../support/peer.hpp"
#include "../support/sockx.hpp"
#include "../support/terminal.hpp"

namespace test {

namespace {

double seconds_since(std::chrono::steady_clock::time_point begun) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

/// Starts `words`, lets the first attempts fail, and then listens on the port.
void check_server_that_comes_late(const std::vector<std::string>& words, HeldPort& port) {
  Process connecting(sockx(words));
  connecting.err_line("attempt 2 failed: connect 127.0.0.1:" + port.port() + ": Connection refused");
  auto peer = port.listen_now().accept();
  peer.finish();
  peer.receive_all();
  check_end(connecting, exited(0));
}

TEST_CASE("--retry and --wait-for reach a server that comes late, from connect and from send-file") {
  const Folder folder;
  write_file(folder / "file", "content");
  for (const auto& how : {std::vector<std::string>{"--retry", "20", "--retry-delay", "20ms"},
                          std::vector<std::string>{"--wait-for", "20s", "--retry-delay", "20ms"}}) {
    HeldPort one, other;
    check_server_that_comes_late(
        std::vector<std::string>{"connect", "-v"} + how + std::vector<std::string>{"127.0.0.1", one.port()},
        one);
    check_server_that_comes_late(std::vector<std::string>{"send-file", "-v", "--no-progress"} + how +
                                     std::vector<std::string>{folder / "file", "127.0.0.1", other.port()},
                                 other);
  }
}

TEST_CASE("--retry: when nobody comes, status 5 with the reason and the number of attempts") {
  const Folder folder;
  write_file(folder / "file", "content");
  const HeldPort nobody;
  const auto said = "connect 127.0.0.1:" + nobody.port() + ": Connection refused; given up after ";
  Process connecting(sockx({"connect", "--retry", "5", "--retry-delay", "1ms", "127.0.0.1", nobody.port()}));
  check_failure(connecting, 5, said + "6 attempts");
  Process sending(sockx(
      {"send-file", "--retry", "1", "--retry-delay", "1ms", folder / "file", "127.0.0.1:" + nobody.port()}));
  check_failure(sending, 5, said + "2 attempts");
  Process never(sockx({"connect", "--retry", "0", "127.0.0.1", nobody.port()}));
  check_failure(never, 5, said + "1 attempt");
}

TEST_CASE("--wait-for on a terminal: a row says what is tried, and how the last attempt failed") {
  for (const bool checks : {false, true}) {
    CAPTURE(checks);
    Terminal terminal(200);
    HeldPort port;
    auto words = sockx({"connect", "--wait-for", "1h", "127.0.0.1", port.port()});
    if (checks) words.emplace_back("--check");
    Process connecting(words, {Stdio::null(), Stdio::pipe(), terminal.stream()});
    const auto where = "127.0.0.1:" + port.port();
    terminal.shown_with("\rconnecting to " + where + ": attempt ");
    terminal.shown_with(": Connection refused\033[K\r");
    CHECK_FALSE(contains(terminal.shown(), "failed: connect"));
    port.listen_now().accept().close();
    check_end(connecting, exited(0));
  }
}

TEST_CASE("connect to who does not answer: a terminal is told, a log is not") {
  PeerListener listener(0);
  auto waiting = Peer::connect(listener.port());  // takes the only place
  Terminal terminal;
  const auto words = sockx({"connect", "-w", "2s", "127.0.0.1", listener.port()});
  Process seen(words, {Stdio::null(), Stdio::pipe(), terminal.stream()});
  terminal.shown_with("\rconnecting to 127.0.0.1:" + listener.port() + "\033[K\r");
  check_end(seen, exited(5));
  Process logged(words);
  check_failure(logged, 5, "timed out");
}

TEST_CASE("--wait-for: when nobody comes, status 5 once the time is over") {
  const HeldPort nobody;
  const auto begun = std::chrono::steady_clock::now();
  Process process(
      sockx({"connect", "--wait-for", "300ms", "--retry-delay", "10ms", "-v", "127.0.0.1", nobody.port()}));
  check_end(process, exited(5));
  CHECK(seconds_since(begun) >= 0.3);
  CHECK(contains(process.err(), "attempt 4 failed"));
  CHECK(contains(lines_of(process.err()).back(), "Connection refused; given up after "));
}

TEST_CASE("--wait-for bounds an attempt that nobody answers, and --connect-timeout each of several") {
  PeerListener full(0);
  const auto first = Peer::connect(full.port());  // takes the only place
  Process bounded(sockx({"connect", "--wait-for", "100ms", "127.0.0.1", full.port()}));
  check_failure(bounded, 5, "timed out; given up after 1 attempt");
  Process each(sockx({"connect", "--retry", "2", "--retry-delay", "1ms", "--connect-timeout", "20ms",
                      "127.0.0.1", full.port()}));
  check_failure(each, 5, "timed out; given up after 3 attempts");
}

TEST_CASE("--retry: a name that is not known may be known the next time, but not with --numeric") {
  Process unknown(sockx({"connect", "--retry", "1", "--retry-delay", "1ms", "nobody.invalid:80"}));
  check_failure(unknown, 5, "connect nobody.invalid:80: getaddrinfo nobody.invalid: EAI_");
  Process numeric(sockx({"connect", "--numeric", "--retry", "1", "nobody.invalid:80"}));
  check_failure(numeric, 3, "EAI_NONAME");
}

TEST_CASE("--retry: what is wrong with the words is status 2 and not tried again") {
  struct Row {
    std::vector<std::string> words;
    std::string said;
  };
  const std::vector<Row> rows{
      {{"connect", "--retry", "5", "127.0.0.1"}, "the port is missing"},
      {{"connect", "--retry", "-1", "127.0.0.1:80"}, "--retry"},
      {{"connect", "--retry", "often", "127.0.0.1:80"}, "--retry"},
      {{"connect", "--retry-delay", "1s", "127.0.0.1:80"}, "--retry-delay: also say how often"},
      {{"connect", "--wait-for", "long", "127.0.0.1:80"}, "--wait-for: 'long': a duration is"},
      {{"send-file", "--compare", "--retry", "1", "file"}, "--compare: leave --retry"},
  };
  for (const auto& row : rows) {
    Process process(sockx(row.words));
    check_failure(process, 2, row.said);
  }
}

}  // namespace

}  // namespace test

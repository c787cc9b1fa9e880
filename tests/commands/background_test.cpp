// In the background of a terminal, which is not read there: that would stop the job (SIGTTIN).
#include <pty.h>

#include <csignal>
#include <fstream>
#include <optional>

#include "../support/datagram_peer.hpp"
#include "../support/sockx.hpp"
#include "../support/terminal.hpp"

namespace test {

namespace {

/// A shell with job control, whose terminal is a pty, and which runs sockx in the background.
class BackgroundJob {
 public:
  /// With a port to connect to, or to be told of in the file "port".
  explicit BackgroundJob(std::vector<std::string> words) {
    int keyboard = -1, tty = -1;
    REQUIRE(openpty(&keyboard, &tty, nullptr, nullptr, nullptr) == 0);
    keyboard_ = UniqueFd(keyboard);
    tty_ = UniqueFd(tty);
    std::vector<std::string> shell{
        "setsid", "--ctty",      "--wait", "sh", "-c", "set -m; \"$@\" > heard & wait $!; echo \"ended: $?\"",
        "sh",     sockx_binary()};
    shell.insert(shell.end(), words.begin(), words.end());
    process_.emplace(shell, Process::Options{.in = Stdio::given(tty_.get()), .folder = folder.path()});
  }
  std::string port() { return port_in(folder / "port"); }
  /// What it has written by its end, which is a good one.
  std::string heard() {
    CHECK(process_->out_line("ended") == "ended: 0");
    process_->wait();
    return read_file(folder / "heard");
  }
  const Folder folder;

 private:
  UniqueFd keyboard_, tty_;
  std::optional<Process> process_;
};

TEST_CASE("in the background of a terminal a conversation takes what comes, and ends with the peer") {
  if (is_missing("setsid")) return;
  BackgroundJob job({"listen", "--port-file", "port", "127.0.0.1", "0"});
  run(sockx({"connect", "127.0.0.1", job.port(), "--line", "hello"}));
  CHECK(job.heard() == "hello\n");
}

TEST_CASE("in the background of a terminal udp takes what comes") {
  if (is_missing("setsid")) return;
  BackgroundJob job({"udp", "--listen", "--datagrams", "2", "--port-file", "port", "127.0.0.1", "0"});
  const Folder folder;
  std::ofstream(folder / "lines") << "one\ntwo\n";
  Process client(sockx({"udp", "--framing", "line", "--reply-timeout", "0.01", "127.0.0.1", job.port()}),
                 {.in = Stdio::input(folder / "lines")});
  client.wait();
  CHECK(job.heard() == "one\ntwo\n");
}

TEST_CASE("in the background of a terminal no progress is drawn over what the shell shows") {
  if (is_missing("setsid")) return;
  Terminal terminal;
  PeerListener listener(0);
  // The shell takes the terminal of its standard input; the job's rows would go to it too.
  Process shell({"setsid", "--ctty", "--wait", "sh", "-c",
                 "set -m; yes | \"$@\" 2> /dev/tty & read line; kill %1; wait", "sh", sockx_binary(),
                 "send-file", "--rate", "5M", "-", "127.0.0.1:" + listener.port()},
                {.in = terminal.stream()});
  auto peer = listener.accept();
  for (std::size_t received = 0; received < 2'000'000;)  // at this rate a row would have been drawn
    received += peer.receive(100'000).size();
  CHECK_FALSE(contains(terminal.shown(), "\033[K"));
  terminal.type("end\n");
  shell.wait();
}

TEST_CASE("udp: the end of what is typed is told, and replies are waited for") {
  Terminal terminal;
  DatagramPeer peer;
  Process process(sockx({"udp", "127.0.0.1", peer.port(), "--log-level", "info"}), {.in = terminal.stream()});
  terminal.type("hello\n\x04");
  CHECK(contains(process.err_line("input has ended"), "input has ended; waiting for replies"));
  process.signal(SIGTERM);
  CHECK(process.wait().signal == SIGTERM);
}

}  // namespace

}  // namespace test

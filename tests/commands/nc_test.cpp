// nc: what the table of command lines cannot show: the name, signals, and data that nc would lose.
#include <doctest/doctest.h>

#include <csignal>
#include <string>
#include <vector>

#include "../support/files.hpp"
#include "../support/peer.hpp"
#include "../support/sockx.hpp"
#include "../support/terminal.hpp"

namespace test {

namespace {

/// A symbolic link to sockx, by which it is nc.
std::string link_in(const Folder& folder, const std::string& name) {
  fs::create_symlink(sockx_binary(), folder / name);
  return folder / name;
}

}  // namespace

TEST_CASE("nc: the name that it is called by is the name of its messages") {
  const Folder folder;
  for (const std::string name : {"nc", "netcat", "nc.sockx"}) {
    Process process({link_in(folder, name), "-w", "x"});
    check_end(process, exited(1));
    CHECK(process.err() == name + ": timeout invalid: x\n");
  }
  Process other({link_in(folder, "nc-of-ours"), "-w", "x"});
  check_end(other, exited(2));
  Process subcommand(sockx({"nc", "-w", "x"}));
  check_end(subcommand, exited(1));
  CHECK(subcommand.err() == "nc: timeout invalid: x\n");
}

TEST_CASE("nc: a hard link named netcat is nc") {
  const Folder folder;
  fs::copy_file(sockx_binary(), folder / "sockx");  // the binary may be on another file system
  fs::create_hard_link(folder / "sockx", folder / "netcat");
  Process process({folder / "netcat", "-w", "x"});
  check_end(process, exited(1));
  CHECK(process.err() == "netcat: timeout invalid: x\n");
}

TEST_CASE("nc: SIGTERM ends it by that signal, and what a silent input has given is whole") {
  Process::Options options;
  options.in = Stdio::pipe();
  Process receiver(sockx({"nc", "-l", "127.0.0.1", "0"}));
  Process sender(sockx({"nc", "127.0.0.1", port_of(receiver)}), options);
  sender.write("whole\n");
  receiver.out_line("whole");
  sender.signal(SIGTERM);
  check_end(sender, killed_by(SIGTERM));
  check_end(receiver, exited(0));
}

TEST_CASE("nc: a server sends all of its file to a client whose half has ended at once") {
  const Folder folder;
  const std::string content(3'000'000, 'x');
  Process::Options options;
  options.in = Stdio::input(write_file(folder / "file", content));
  Process server(sockx({"nc", "-l", "-N", "127.0.0.1", "0"}), options);
  const auto received = run(sockx({"nc", "-N", "127.0.0.1", port_of(server)}));
  CHECK(received.size() == content.size());
  check_end(server, exited(0));
}

namespace {

/// The settings of a terminal that a user has.
void show_keys(const Terminal& terminal) {
  auto settings = terminal.settings();
  settings.c_lflag |= ECHO | ISIG;
  const UniqueFd fd(open(terminal.path().c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  Peer::check(tcsetattr(fd.get(), TCSANOW, &settings), "tcsetattr");
}

/// The answer of an HTTP proxy to the next request.
void answer(PeerListener& proxy, const std::string& status) {
  auto asked = proxy.accept();
  std::string request;
  while (!request.ends_with("\r\n\r\n")) {
    const auto byte = asked.receive(1);
    REQUIRE(!byte.empty());
    request += byte;
  }
  asked.send("HTTP/1.1 " + status + "\r\n\r\n");
}

bool shows_keys(const Terminal& terminal) { return (terminal.settings().c_lflag & ECHO) != 0; }

}  // namespace

TEST_CASE("nc: the question for a password hides keys, and the terminal is as before on every way out") {
  struct Way {
    std::string keys;
    int signal;
    End end;
  };
  for (const auto& way : {Way{"\x03", 0, killed_by(SIGINT)}, Way{"\x1c", 0, killed_by(SIGQUIT)},
                          Way{"", SIGTERM, killed_by(SIGTERM)}, Way{"", SIGHUP, killed_by(SIGHUP)},
                          Way{"secret\n", 0, exited(1)}}) {
    CAPTURE(way.end);
    Terminal terminal;
    show_keys(terminal);
    PeerListener proxy;
    Process::Options options;
    options.terminal = terminal.path();
    Process nc(sockx({"nc", "-X", "connect", "-P", "bob", "-x", "127.0.0.1:" + proxy.port(), "host", "80"}),
               options);
    answer(proxy, "407 Proxy Authentication Required");
    terminal.shown_with("Proxy password for bob@127.0.0.1: ");
    CHECK(!shows_keys(terminal));
    terminal.type(way.keys);
    if (way.signal != 0) nc.signal(way.signal);
    if (way.end == exited(1)) answer(proxy, "403 Forbidden");
    check_end(nc, way.end);
    CHECK(shows_keys(terminal));
    if (way.end != killed_by(SIGQUIT)) terminal.shown_with("\n");
    CHECK(!contains(terminal.shown(), "secret"));
  }
}

TEST_CASE("nc: the question for a password hides keys again when a shell has continued it") {
  Terminal terminal;
  show_keys(terminal);
  PeerListener proxy;
  Process::Options options;
  options.terminal = terminal.path();
  Process nc(sockx({"nc", "-X", "connect", "-P", "bob", "-x", "127.0.0.1:" + proxy.port(), "host", "80"}),
             options);
  answer(proxy, "407 Proxy Authentication Required");
  terminal.shown_with("Proxy password");
  nc.signal(SIGSTOP);
  show_keys(terminal);
  nc.signal(SIGCONT);
  eventually("keys are hidden", [&] { return !shows_keys(terminal); });
  terminal.type("\x03");
  check_end(nc, killed_by(SIGINT));
  CHECK(shows_keys(terminal));
}

TEST_CASE("explain: it prints a command and comments, and opens nothing") {
  const auto page = run(sockx({"explain", "nc", "-zv", "-w", "2", "example.invalid", "22"}));
  const auto lines = lines_of(page);
  REQUIRE(lines.size() > 1);
  CHECK(lines.front() == "sockx connect -v --connect-timeout 2s --check example.invalid 22");
  for (std::size_t i = 1; i < lines.size(); ++i) CHECK(lines[i].starts_with("# "));
  Process refused(sockx({"explain", "nc", "-w", "x"}));
  check_end(refused, exited(1));
  CHECK(refused.err() == "nc: timeout invalid: x\n");
}

TEST_CASE("explain: a shell reads what it prints as the words that were typed, and nothing is raw") {
  const auto line = run(sockx({"explain", "nc", "-N", "-s", "\x1b[31m", "--", "-it's\n", "80"}));
  CHECK(lines_of(line).front() == R"(sockx connect --source $'\033[31m' --until both -- $'-it\'s\n' 80)");
  CHECK(line.find('\x1b') == std::string::npos);
  const auto words = run({"bash", "-c", "sockx() { printf '<%s>' \"$@\"; }; " + line});
  CHECK(words == "<connect><--source><\x1b[31m><--until><both><--><-it's\n><80>");
}

}  // namespace test

// nc: what the table of command lines cannot show: the name, signals, and data that nc would lose.
#include <doctest/doctest.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "../support/peer.hpp"
#include "../support/sockx.hpp"

namespace test {

namespace {

/// A link to sockx, by which it is nc.
std::string link_in(const Folder& folder, const std::string& name, bool is_symbolic) {
  const std::filesystem::path link(folder / name);
  if (is_symbolic)
    std::filesystem::create_symlink(sockx_binary(), link);
  else
    std::filesystem::create_hard_link(sockx_binary(), link);
  return link.string();
}

}  // namespace

TEST_CASE("nc: the name that it is called by is the name of its messages") {
  const Folder folder;
  for (const std::string name : {"nc", "netcat", "nc.sockx"}) {
    Process process({link_in(folder, name, true), "-w", "x"});
    check_end(process, exited(1));
    CHECK(process.err() == name + ": timeout invalid: x\n");
  }
  Process other({link_in(folder, "nc-of-ours", true), "-w", "x"});
  check_end(other, exited(2));
  Process subcommand(sockx({"nc", "-w", "x"}));
  check_end(subcommand, exited(1));
  CHECK(subcommand.err() == "nc: timeout invalid: x\n");
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

}  // namespace test

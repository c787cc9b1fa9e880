// The program under test: how the tests start it, and what they ask of it again and again.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "files.hpp"
#include "process.hpp"
#include "subject.hpp"

namespace test {

/// The words of a command, `sockx` itself in front.
inline std::vector<std::string> sockx(std::vector<std::string> words) {
  words.insert(words.begin(), sockx_binary());
  return words;
}

inline std::vector<std::string> operator+(std::vector<std::string> words,
                                          const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

inline bool contains(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos;
}

/// Waits for the end, and checks it; when it is another one, what was said goes to the report.
inline void check_end(Process& process, End expected) {
  const auto end = process.wait();
  CHECK_MESSAGE(end == expected, process.command(), "\nended by ", end, " instead of ", expected,
                "\nstderr: ", process.err());
}

/// A failure: the status, and one line on standard error that begins with `sockx: ` and contains `words`.
inline void check_failure(Process& process, int status, const std::string& words = "") {
  check_end(process, exited(status));
  const auto lines = lines_of(process.err());
  INFO(process.command(), "\nstderr: ", process.err());
  REQUIRE(lines.size() == 1);
  CHECK(lines.front().starts_with("sockx: "));
  CHECK(contains(lines.front(), words));
}

/// Runs it to its end.
inline std::string run(std::vector<std::string> words, const Process::Options& options = {}) {
  Process process(std::move(words), options);
  check_end(process, exited(0));
  return process.out();
}

constexpr std::string_view tcp_listen = "0A", tcp_close_wait = "08";  // of tcp_states.h, as /proc writes them

/// The local port of a socket of the process that is in `state`, of TCP unless other tables are given, or
/// nothing. /proc tells it for every program, and in whatever network namespace it lives.
inline std::string port_in_state(const Process& process, std::string_view state,
                                 const std::vector<std::string>& tables = {"/net/tcp", "/net/tcp6"}) {
  const std::string proc = "/proc/" + std::to_string(process.pid());
  std::vector<std::string> inodes;
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator(proc + "/fd", gone)) {
    const auto link = fs::read_symlink(entry.path(), gone).string();
    if (link.starts_with("socket:[")) inodes.push_back(link.substr(8, link.size() - 9));
  }
  if (inodes.empty()) return "";
  for (const auto& table : tables) {
    std::ifstream rows(proc + table);
    std::string row;
    std::getline(rows, row);  // the head
    while (std::getline(rows, row)) {
      std::istringstream words(row);
      std::string slot, local, remote, actual, queues, timer, retransmits, uid, timeout, inode;
      words >> slot >> local >> remote >> actual;
      if (actual != state && state == tcp_listen)
        break;  // those that listen come first, those in TIME_WAIT last
      if (actual != state) continue;
      words >> queues >> timer >> retransmits >> uid >> timeout >> inode;
      if (std::find(inodes.begin(), inodes.end(), inode) != inodes.end())
        return std::to_string(std::stoul(local.substr(local.rfind(':') + 1), nullptr, 16));
    }
  }
  return "";
}

/// The port that a process listens on, as soon as it does.
inline std::string port_of(const Process& process) {
  std::string found;
  eventually(process.command() + "listens", [&] {
    found = port_in_state(process, tcp_listen);
    if (found.empty() && !process.is_running())
      throw std::runtime_error(process.command() + "ended before it listened: " + process.err());
    return !found.empty();
  });
  return found;
}

/// Whether the other end has ended a connection of the process, and the process has not.
inline bool has_heard_end(const Process& process) { return !port_in_state(process, tcp_close_wait).empty(); }

/// Until somebody listens on the unix socket: /proc/net/unix says so by __SO_ACCEPTCON.
inline void wait_for_listener(const std::string& path) {
  eventually(path + " is listened on", [&] {
    for (const auto& line : lines_of(read_file("/proc/net/unix")))
      if (line.ends_with(" " + path) && contains(line, " 00010000 ")) return true;
    return false;
  });
}

/// The same for a process that is only the child of one that we started.
inline std::string port_in(const std::string& port_file) {
  eventually(port_file, [&] { return fs::exists(port_file); });
  auto text = read_file(port_file);
  text.erase(text.find('\n'));
  return text;
}

/// Whether the test can do without: it cannot in CI, where nothing may be missing.
inline bool is_missing(const std::string& program) {
  if (is_installed(program)) return false;
  if (std::getenv("CI") != nullptr) FAIL("no ", program);
  MESSAGE("skipped: no ", program);
  return true;
}

}  // namespace test

// relay with ends that are terminals: what is left when a call fails.
#include <doctest/doctest.h>

#include <cstring>
#include <functional>

#include "../support/files.hpp"
#include "../support/terminal.hpp"
#include "injection.hpp"

using namespace test;

namespace {

/// What the calls of a terminal can fail with; harmless faults have the status 0 alone.
const std::vector<FaultRow> rows{
    {"read@device", {"EINTR", "EAGAIN", "short", "half"}},
    {"write@device", {"EINTR", "EAGAIN", "short", "half"}},
    {"epoll_wait", {"EINTR", "nothing", "short"}},
    {"waitpid", {"EINTR"}},
    {"posix_openpt", {"EMFILE", "ENOSPC", "EAGAIN"}, {8}},
    {"ioctl@TIOCGPTPEER", {"EMFILE", "EIO"}, {8}},
    {"ioctl@TCGETS2", {"EIO"}, {1}},
    {"ioctl@TCSETS2", {"EIO"}, {1}},
    {"child/ioctl@TIOCSCTTY", {"EPERM"}, {11}},
    {"child/dup2", {"EBUSY"}, {11}},
    {"symlink", {"EACCES", "ENOSPC", "EROFS"}, {8}},
    {"flock", {"EAGAIN", "ENOLCK"}, {8}},
    {"open@file", {"EACCES", "EMFILE"}, {0, 8, 11}},
    {"pipe2", {"EMFILE"}, {0, 1}},
    {"fork", {"EAGAIN"}, {1}},
    {"pidfd_open", {"EMFILE"}, {1}},
    {"epoll_ctl", {"ENOMEM"}, {1}},
};

/// One life of relay: how it is run, and what must be the case after it.
struct TerminalScenario {
  std::function<std::unique_ptr<Process>(const Process::Options&)> begin;
  std::function<std::string()> complaints;  // about what is left
};

bool is_same(const termios& one, const termios& other) {
  return one.c_iflag == other.c_iflag && one.c_oflag == other.c_oflag && one.c_cflag == other.c_cflag &&
         one.c_lflag == other.c_lflag && std::memcmp(one.c_cc, other.c_cc, sizeof one.c_cc) == 0;
}

/// Whether the fault has been reached.
bool meet(const TerminalScenario& scenario, const FaultRow& row, const std::string& fault) {
  CAPTURE(fault);
  const InjectorReport report;
  Process::Options options;
  options.environment = {"SOCKX_FAULT_REPORT=" + std::to_string(report.fd()), "SOCKX_FAULT=" + fault};
  options.inherited = {report.fd()};
  const auto process = scenario.begin(options);
  const auto end = process->wait(run_limit);
  const auto lines = lines_of(process->err());
  INFO("stderr: ", process->err());
  bool is_reached = false;
  for (const auto& line : report.lines()) {
    is_reached = is_reached || line == "reached";
    CHECK_MESSAGE(!line.starts_with("open "), line);
  }
  CHECK(end.signal == 0);
  if (is_reached)
    CHECK_MESSAGE(std::ranges::count(row.statuses, end.status) == 1, end);
  else
    CHECK(end.status == 0);
  CHECK(lines.size() == (end.status == 0 ? 0 : 1));
  CHECK_FALSE(process->left_others());
  CHECK(scenario.complaints() == "");
  return is_reached;
}

/// What cannot be restored stays as it is.
bool is_restoring(const FaultRow& row, unsigned number) { return row.key == "ioctl@TCSETS2" && number > 1; }

void meet_faults(const TerminalScenario& scenario) {
  for (const auto& row : rows)
    for (const auto& fault : tried_of(row))
      for (unsigned number = 1; number < 40 && is_tried(number); ++number)
        if (is_restoring(row, number) ||
            !meet(scenario, row, row.key + ':' + std::to_string(number) + ':' + fault))
          break;
}

}  // namespace

TEST_SUITE("faults: relay with terminals") {
  TEST_CASE("relay - pty+sh restores the terminal and leaves no child, whatever call fails") {
    const Terminal user;
    const auto before = user.settings();
    const auto begin = [&](Process::Options options) {
      options.in = options.out = user.stream();
      return std::make_unique<Process>(
          std::vector<std::string>{sockx_with_faults(), "--quiet", "relay", "-", "pty+sh:echo said"},
          options);
    };
    meet_faults(
        {begin, [&] { return is_same(user.settings(), before) ? "" : "the terminal is not restored"; }});
  }

  TEST_CASE("relay file pty:LINK leaves no link, whatever call fails") {
    const Folder folder;
    const auto link = folder / "link", file = write_file(folder / "file", "some bytes");
    const auto begin = [&](const Process::Options& options) {
      return std::make_unique<Process>(
          std::vector<std::string>{sockx_with_faults(), "--quiet", "relay", "--eof-timeout", "1ms",
                                   "file:" + file, "pty:" + link},
          options);
    };
    meet_faults({begin, [&] { return fs::is_symlink(link) ? "the link is left" : ""; }});
  }

  TEST_CASE("relay file tty restores the line, whatever call fails") {
    Terminal line;
    const Folder folder;
    const auto before = line.settings();
    const auto file = write_file(folder / "file", "some bytes\n");
    const auto begin = [&](const Process::Options& options) {
      line.shown();  // nothing of an earlier run fills it
      return std::make_unique<Process>(
          std::vector<std::string>{sockx_with_faults(), "--quiet", "relay", "--eof-timeout", "1ms",
                                   "file:" + file, "tty:" + line.path() + ",speed=9600"},
          options);
    };
    meet_faults({begin, [&] { return is_same(line.settings(), before) ? "" : "the line is not restored"; }});
  }
}

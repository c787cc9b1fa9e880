#include "os/line_output.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "../support/descriptors.hpp"
#include "../support/files.hpp"
#include "../support/in_child.hpp"
#include "base/text.hpp"
#include "os/output_file.hpp"

using namespace sockx;
using namespace test;

namespace {

LineOutput::Tell tell() {
  return {[](std::uint64_t count) { return text("{} dropped", count); }};
}

/// As a shell lends it: with a writing end in blocking mode.
PipeEnds lent_pipe() {
  auto pipe = make_pipe_ends(0);
  REQUIRE(fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK) == 0);
  return pipe;
}

std::string read_until_empty(int fd, LineOutput& output) {
  std::string all;
  for (bool goes_on = true; goes_on;) {
    goes_on = !output.flush() || !output.is_written();
    all += read_available(fd);
  }
  return all;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// Whether each of `count` lines is there or counted as dropped. The writing thread makes room when it likes,
/// so lines may be missing in several places.
bool are_accounted_for(const std::vector<std::string>& lines, std::size_t count) {
  std::size_t there = 0, dropped = 0;
  for (const auto& line : lines) {
    const auto end = line.find(" dropped");
    if (end == std::string::npos)
      ++there;
    else
      dropped += std::stoul(line.substr(0, end));
  }
  return there > 300 && dropped > 0 && there + dropped == count;
}

/// Puts lines of 1000 bytes until as many as given have been, and returns how many that were.
void put_lines(LineOutput& output, unsigned count) {
  for (unsigned i = 0; i < count; ++i) output.put(text("{:>999}", i));
}

}  // namespace

TEST_CASE("line output: what nobody reads is kept, then dropped and counted, and never waited for") {
  auto pipe = lent_pipe();
  const int flags = fcntl(pipe.write.get(), F_GETFL);
  LineOutput output(pipe.write.get(), tell());
  unsigned begins_to_wait = 0;
  output.when_waiting([&] { ++begins_to_wait; });
  put_lines(output, 1000);
  CHECK(begins_to_wait == 1);
  CHECK_FALSE(output.flush());
  CHECK(fcntl(pipe.write.get(), F_GETFL) == flags);  // which the shell that lent it shares

  const auto lines = lines_of(read_until_empty(pipe.read.get(), output));
  REQUIRE(lines.size() > 300);  // 64 KiB of the pipe and what is kept
  for (unsigned i = 0; i + 1 < lines.size(); ++i) CHECK(lines[i] == text("{:>999}", i));
  CHECK(lines.back() == text("{} dropped", 1000 - (lines.size() - 1)));

  output.put("next");
  CHECK(read_until_empty(pipe.read.get(), output) == "next\n");
}

TEST_CASE("line output: the line that counts stands where the others are missing") {
  auto pipe = lent_pipe();
  LineOutput output(pipe.write.get(), tell());
  put_lines(output, 1000);
  const auto first = read_available(pipe.read.get());
  CHECK_FALSE(output.flush());
  output.put("there is room again");
  const auto lines = lines_of(first + read_until_empty(pipe.read.get(), output));
  REQUIRE(lines.size() > 300);
  CHECK(lines[lines.size() - 2].ends_with(" dropped"));
  CHECK(lines.back() == "there is room again");
}

TEST_CASE("line output: lines that are to be kept are, and drawings are not missed") {
  auto pipe = lent_pipe();
  LineOutput output(pipe.write.get(), tell());
  output.draw("seen");
  for (unsigned i = 0; i < 1000; ++i) output.put_and_keep(text("{:>999}", i));
  output.draw("not seen");
  const auto all = read_until_empty(pipe.read.get(), output);
  CHECK(all.starts_with("seen"));
  CHECK(lines_of(all).size() == 1000);
  CHECK(lines_of(all).back() == text("{:>999}", 999));
}

TEST_CASE("line output: a stream that cannot be opened anew is not waited for either") {
  auto pair = unix_pair();
  fcntl(pair.ours.get(), F_SETFL, 0);
  LineOutput to_socket(pair.ours.get(), tell());
  put_lines(to_socket, 1000);
  CHECK_FALSE(to_socket.flush());

  const auto end = in_child([] {  // as when it belongs to another user
    auto pipe = lent_pipe();
    fchmod(pipe.write.get(), 0);
    if (getuid() == 0 && setuid(65534) != 0) return 1;
    LineOutput output(pipe.write.get(), tell());
    put_lines(output, 1000);
    const auto lines = lines_of(read_until_empty(pipe.read.get(), output));
    return are_accounted_for(lines, 1000) ? 0 : 2;
  });
  CHECK(end.exited_with(0));
}

TEST_CASE(
    "line output: a terminal that cannot be opened anew is not waited for, whatever poll(2) says of it") {
  const auto end = in_child([] {
    const UniqueFd reader(posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK));
    unlockpt(reader.get());
    const UniqueFd terminal(open(ptsname(reader.get()), O_WRONLY | O_NOCTTY));
    if (!terminal || fchmod(terminal.get(), 0) != 0) return 1;
    if (getuid() == 0 && setuid(65534) != 0) return 2;
    LineOutput output(terminal.get(), tell());
    put_lines(output, 1000);
    const auto lines = lines_of(read_until_empty(reader.get(), output));
    if (!are_accounted_for(lines, 1000)) return 3;
    output.put("next");
    output.finish();
    return read_available(reader.get()) == "next\r\n" ? 0 : 4;
  });
  CHECK(end.exited_with(0));
}

TEST_CASE("line output: lines for a fifo that nobody reads yet are kept, and their loss is told at the end") {
  const Folder folder;
  const auto path = folder / "fifo";
  REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  std::vector<int> errors;
  auto how = tell();
  how.failed = [&errors](int error) { errors.push_back(error); };
  LineOutput unread(path, how), output(path, tell());
  unread.put("lost");
  unread.finish();
  CHECK(errors == std::vector{ENXIO});
  output.put("kept");
  CHECK_FALSE(output.is_open());
  CHECK_FALSE(output.flush());
  const UniqueFd reader(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  CHECK(output.flush());
  output.put("next");
  CHECK(read_available(reader.get()) == "kept\nnext\n");
}

TEST_CASE("line output: a failure is told once, and lines that fit again are written") {
  const Folder folder;
  const auto end = in_child([&folder] {
    signal(SIGXFSZ, SIG_IGN);
    rlimit limit{10, RLIM_INFINITY};
    setrlimit(RLIMIT_FSIZE, &limit);
    std::vector<int> errors;
    auto how = tell();
    how.failed = [&errors](int error) { errors.push_back(error); };
    LineOutput output(folder / "file", how);
    output.put("first");
    output.put("cut here");
    output.put("lost");
    output.put("lost");
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_FSIZE, &limit);
    output.put("last");
    return errors == std::vector<int>{EFBIG} ? 0 : 1;
  });
  CHECK(end.exited_with(0));
  CHECK(read_file(folder / "file") == "first\ncut here\n2 dropped\nlast\n");
}

TEST_CASE("line output: after a fork what waits is the parent's to write") {
  auto pipe = lent_pipe();
  LineOutput output(pipe.write.get(), tell());
  put_lines(output, 100);
  REQUIRE_FALSE(output.flush());
  const pid_t child = fork();
  if (child == 0) {
    output.flush();
    output.put("of the child");
    output.finish();
    _exit(0);
  }
  std::string all;
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) all += read_available(pipe.read.get());
  all += read_until_empty(pipe.read.get(), output);
  const auto lines = lines_of(all);
  CHECK(lines.size() == 101);
  CHECK(std::count(lines.begin(), lines.end(), text("{:>999}", 99)) == 1);
}

TEST_CASE("line output: at the end nobody is waited for who does not read") {
  auto pipe = lent_pipe();
  LineOutput output(pipe.write.get(), tell());
  put_lines(output, 100);
  output.finish();
  CHECK_FALSE(output.flush());
  pipe.read.reset();
  signal(SIGPIPE, SIG_IGN);
  output.finish();
  CHECK(output.flush());  // there is nobody to wait for
}

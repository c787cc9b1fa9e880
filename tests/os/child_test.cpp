#include "os/child.hpp"

#include <doctest/doctest.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cerrno>
#include <sstream>
#include <string>
#include <vector>

#include "../support/descriptors.hpp"
#include "../support/files.hpp"
#include "../support/thrown.hpp"
#include "base/error.hpp"
#include "os/pseudo_terminal.hpp"
#include "os/signals.hpp"

using namespace sockx;
using namespace test;

namespace {

using Words = std::vector<std::string>;
using Options = Child::Options;

Words shell(const std::string& script) { return {"sh", "-c", script}; }

/// Everything until the child closes it.
std::string all_of(const UniqueFd& output) {
  fcntl(output.get(), F_SETFL, 0);
  return read_available(output.get());
}

std::string line_of(const UniqueFd& output) {
  fcntl(output.get(), F_SETFL, 0);
  std::string line;
  for (char byte = 0; read(output.get(), &byte, 1) == 1 && byte != '\n';) line += byte;
  return line;
}

/// What a program writes, run to its end in success.
std::string output_of(const Words& words, const Options& options = {}) {
  Child child(words, options);
  auto output = all_of(child.take_output());
  CHECK(child.reap().is_success());
  return output;
}

std::string end_of(const std::string& script) {
  Child child(shell(script), {});
  const auto end = child.reap();
  CHECK_FALSE(end.is_success());
  return end.to_string();
}

bool has_no_children() { return waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD; }

}  // namespace

TEST_CASE("child: its output comes to us and its arguments are kept apart") {
  CHECK(output_of({"printf", "%s|", "a b", "", "c"}) == "a b||c|");
}

TEST_CASE("child: its input comes from us or is the null device") {
  CHECK(output_of({"cat"}) == "");
  Child child({"cat"}, Options{.takes_input = true});
  auto input = child.take_input();
  const auto output = child.take_output();
  CHECK((status_flags(input.get()) & O_NONBLOCK) != 0);
  CHECK((status_flags(output.get()) & O_NONBLOCK) != 0);
  CHECK((fcntl(input.get(), F_GETFD) & FD_CLOEXEC) != 0);
  CHECK((fcntl(output.get(), F_GETFD) & FD_CLOEXEC) != 0);
  put(input.get(), "to and fro");
  input.reset();
  CHECK(all_of(output) == "to and fro");
  CHECK(child.reap().is_success());
}

TEST_CASE("child: its own ends of the pipes wait, as any program may expect") {
  const auto shown = output_of({"sed", "-n", "s/flags:\t*//p", "/proc/self/fdinfo/0", "/proc/self/fdinfo/1"},
                               {.takes_input = true});
  std::istringstream lines(shown);
  int count = 0;
  for (std::string octal; lines >> octal; ++count) CHECK((std::stoi(octal, nullptr, 8) & O_NONBLOCK) == 0);
  CHECK(count == 2);
}

TEST_CASE("child: its end is told by a readable descriptor and in words") {
  Child child(shell("exit 3"), {});
  pollfd ended{child.end_fd(), POLLIN, 0};
  CHECK(poll(&ended, 1, 20'000) == 1);
  CHECK(child.reap().to_string() == "exited with status 3");
  CHECK(end_of("kill -TERM $$") == "was killed by signal 15 (Terminated)");
  CHECK(ChildEnd{}.is_success());
  CHECK(ChildEnd{}.to_string() == "exited with status 0");
}

TEST_CASE("child: what we ignore kills it as ever") {
  ignore_signals_that_calls_report();
  CHECK(end_of("kill -PIPE $$") == "was killed by signal 13 (Broken pipe)");
  restore_signals_that_calls_report();
}

TEST_CASE("child: a program that cannot be run is an error of a local file and leaves nothing") {
  const Folder folder;
  const auto text = write_file(folder / "text", "not a program");
  const auto before = open_descriptors();
  struct Row {
    std::string program;
    int number;
  };
  for (const auto& [program, number] :
       {Row{"no-such-program-anywhere", ENOENT}, Row{folder / "none", ENOENT}, Row{text, EACCES}}) {
    CAPTURE(program);
    const auto error =
        thrown_by<Error>([&program = program] { Child child({program}, Options{.takes_input = true}); });
    REQUIRE(error);
    CHECK(error->number() == number);
    CHECK(error->origin() == Origin::local_file);
    CHECK(std::string(error->what()).starts_with("exec " + program + ": "));
  }
  CHECK(open_descriptors() == before);
  CHECK(has_no_children());
}

TEST_CASE("child: a variable given replaces ours and the others stay") {
  setenv("SOCKX_TEST_REPLACED", "old", 1);
  setenv("SOCKX_TEST_REPLACED_NOT", "kept", 1);
  Options options;
  options.environment = {"SOCKX_TEST_REPLACED=new", "SOCKX_TEST_ADDED=more"};
  const auto variables = "\n" + output_of({"env"}, options);
  const auto count_of = [&](const std::string& line) {
    std::size_t count = 0;
    for (auto at = variables.find(line); at != std::string::npos; at = variables.find(line, at + 1)) ++count;
    return count;
  };
  CHECK(count_of("\nSOCKX_TEST_REPLACED=") == 1);
  CHECK(count_of("\nSOCKX_TEST_REPLACED=new\n") == 1);
  CHECK(count_of("\nSOCKX_TEST_ADDED=more\n") == 1);
  CHECK(count_of("\nSOCKX_TEST_REPLACED_NOT=kept\n") == 1);
  CHECK(count_of("\nPATH=") == 1);
}

TEST_CASE("child: it holds its standard streams and nothing else of ours") {
  const UniqueFd inheritable(dup(0)), far_up(fcntl(0, F_DUPFD, 200));
  CHECK(output_of({"ls", "/proc/self/fd"}) == "0\n1\n2\n3\n");  // 3 is the folder that ls reads
  CHECK(output_of({"ls", "/proc/self/fd"}, {.takes_input = true}) == "0\n1\n2\n3\n");
}

TEST_CASE("child: dropped it gets SIGTERM and the time to heed it") {
  const Folder folder;
  const auto note = folder / "note";
  UniqueFd input;
  {
    Child child(shell("trap 'echo heeded > " + note + "; exit' TERM; echo ready; read never"),
                Options{.takes_input = true});
    input = child.take_input();
    REQUIRE(line_of(child.take_output()) == "ready");
  }
  CHECK(read_file(note) == "heeded\n");
  CHECK(has_no_children());
}

TEST_CASE("child: dropped it is killed when it ignores SIGTERM, and reaped") {
  std::string pid;
  {
    Child child(shell("trap '' TERM; echo $$; exec sleep 60"), {});
    pid = line_of(child.take_output());
    REQUIRE(kill(std::stoi(pid), 0) == 0);
  }
  CHECK(kill(std::stoi(pid), 0) != 0);
  CHECK(has_no_children());
}

TEST_CASE("child: one that has ended already is reaped as it is dropped") {
  {
    Child child({"true"}, {});
    pollfd ended{child.end_fd(), POLLIN, 0};
    CHECK(poll(&ended, 1, 20'000) == 1);
  }
  CHECK(has_no_children());
}

TEST_CASE("child: on a terminal it leads a session, whose signals have their usual effect") {
  const auto terminal = open_pseudo_terminal();
  auto theirs = open_other_side(terminal);
  signal(SIGINT, SIG_IGN);
  Child child(shell("tty; tty <&2; : <>/dev/tty && echo controlled; kill -INT $$"),
              {.terminal = theirs.get()});
  signal(SIGINT, SIG_DFL);
  theirs.reset();
  CHECK_FALSE(child.take_input());
  CHECK_FALSE(child.take_output());
  CHECK(child.reap().to_string() == "was killed by signal 2 (Interrupt)");
  const auto line = terminal.path + "\r\n";
  CHECK(read_available(terminal.master.get()) == line + line + "controlled\r\n");
}

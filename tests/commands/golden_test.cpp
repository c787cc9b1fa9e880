// Golden tests: what a few hundred command lines say today, word for word. tests/golden/ has the command
// lines with what they printed; after a deliberate change, SOCKX_GOLDEN=record writes the files anew, and the
// difference is reviewed with the change.
#include <cstdlib>
#include <regex>
#include <set>

#include "../support/sockx.hpp"

namespace test {

namespace {

/// What the shell knows besides sockx: how to serve a client, how to wait for a port, and how to show what
/// was said by the one that ran beside.
constexpr std::string_view prelude = R"(
export LC_ALL=C SOCKX_TIMEOUT=20
unset NO_COLOR TERM
beside() { "$@" > beside.out 2> beside.err & }
port() { until [ -s port ]; do sleep 0.005; done; cat port; }
saw() { until grep -qs "$1" beside.out beside.err; do sleep 0.005; done; }
ended() { wait $! 2> /dev/null; echo "status $?" >> beside.err; sed 's/^/beside: /' beside.out beside.err; }
)";

/// Words that differ from run to run, and what stands for them.
std::string normalized(std::string said, const std::string& folder) {
  static const std::vector<std::pair<std::regex, std::string>> rules{
      {std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d))"), "TIME"},
      {std::regex(R"(\d\d:\d\d:\d\d\.\d{6})"), "CLOCK"},
      {std::regex(R"((127\.0\.0\.1|\[::1\]|\[::ffff:127\.0\.0\.1\]|\[::\]|0\.0\.0\.0):\d{4,5})"), "$1:PORT"},
      {std::regex(R"("port":\d{4,5})"), "\"port\":PORT"},
      {std::regex(R"re("(\w*seconds|bytes_per_second|\w+_switches|system_calls|pid)":[0-9.e+-]+)re"),
       "\"$1\":N"},
      {std::regex(R"(\b\d+\.\d+ s\b)"), "N s"},
      {std::regex(R"(\b\d+(\.\d+)? [kMG]?B/s)"), "N B/s"},
      {std::regex(R"(\d+ system calls; \d+ voluntary, \d+ involuntary)"),
       "N system calls; N voluntary, N involuntary"},
      {std::regex(R"(TIME \d+ )"), "TIME PID "},
      {std::regex(R"(\btime \d+\.\d+)"), "time N"},
      {std::regex(R"(\w+ (127\.0\.0\.1:PORT: Connection reset))"), "CALL $1"},
  };
  for (auto at = said.find(folder); at != std::string::npos; at = said.find(folder))
    said.replace(at, folder.size(), "FOLDER");
  for (const auto& [pattern, replacement] : rules) said = std::regex_replace(said, pattern, replacement);
  return said;
}

std::string marked(const std::string& mark, const std::string& said) {
  std::string lines;
  for (const auto& line : lines_of(said)) lines += mark + (line.empty() ? "" : " ") + line + '\n';
  return lines;
}

/// What the command line came to, as the files have it.
std::string outcome(const std::string& command) {
  const Folder folder;
  const auto binary = fs::path(sockx_binary()).parent_path().string();
  Process shell({"/bin/sh", "-c", std::string(prelude) + command},
                {.environment = {"PATH=" + binary + ":/usr/bin:/bin"}, .folder = folder.path()});
  const auto end = shell.wait();
  return marked("1>", normalized(shell.out(), folder.path())) +
         marked("2>", normalized(shell.err(), folder.path())) + "= " +
         (end.signal != 0 ? "signal " + std::to_string(end.signal) : std::to_string(end.status)) + '\n';
}

/// Two ends that run side by side may say their lines in another order, or look once more than the last time.
std::set<std::string> unordered(const std::string& said) {
  const auto lines = lines_of(said);
  return {lines.begin(), lines.end()};
}

enum class Order { strict, any };

/// Each command is a line `$ COMMAND`; what follows it, up to the next one or an empty line, is its outcome.
/// Lines that begin with # are comments.
void check_golden(const std::string& name, Order order) {
  const auto path = source_folder() + "/tests/golden/" + name + ".golden";
  const auto records = std::getenv("SOCKX_GOLDEN") != nullptr;
  std::string fresh, command, expected;
  const auto finish = [&] {
    if (command.empty()) return;
    const auto now = outcome(command);
    const bool is_same = order == Order::strict ? now == expected : unordered(now) == unordered(expected);
    fresh += is_same ? expected : now;
    if (!records) CHECK_MESSAGE(is_same, "$ ", command, "\nexpected:\n", expected, "now:\n", now);
    command.clear();
    expected.clear();
  };
  int commands = 0;
  for (const auto& line : lines_of(read_file(path))) {
    if (line.starts_with("$ ")) {
      finish();
      command = line.substr(2);
      ++commands;
      fresh += line + '\n';
    } else if (line.empty() || line.starts_with("#")) {
      finish();
      fresh += line + '\n';
    } else {
      expected += line + '\n';
    }
  }
  finish();
  CHECK(commands > 0);
  if (records) std::ofstream(path) << fresh;
}

TEST_CASE("golden: the help of every subcommand") { check_golden("help", Order::strict); }
// Hundreds of starts, each of which takes long under a sanitizer.
TEST_CASE("golden: what is wrong with a command line" * doctest::skip(is_sanitized())) {
  check_golden("usage", Order::strict);
}
TEST_CASE("golden: endpoints that cannot be used") { check_golden("endpoints", Order::strict); }
TEST_CASE("golden: names, byte order and socket options") { check_golden("inspect", Order::strict); }
TEST_CASE("golden: conversations, their logs and events") { check_golden("conversations", Order::any); }
TEST_CASE("golden: servers, their logs and events") { check_golden("servers", Order::any); }
TEST_CASE("golden: transfers, their summaries and events") { check_golden("transfers", Order::any); }
TEST_CASE("golden: datagrams") { check_golden("datagrams", Order::any); }

}  // namespace

}  // namespace test

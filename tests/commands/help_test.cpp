// --help, `sockx help` and --version.
#include <algorithm>
#include <regex>

#include "../support/sockx.hpp"
#include "../support/terminal.hpp"
#include "app/manual.hpp"
#include "app/own_commands.hpp"

using namespace sockx;
using namespace test;

namespace {

using Words = std::vector<std::string>;

std::string help_at(const std::string& columns, const Words& words) {
  return run(test::sockx(words), {.environment = {"COLUMNS=" + columns}});
}

std::size_t widest_line(const std::string& page) {
  std::size_t widest = 0;
  for (const auto& line : lines_of(page)) widest = std::max(widest, line.size());
  return widest;
}

/// Whether a line may be longer than the others: an example's command, or an option with its choices.
bool is_unbroken(const std::string& line) { return line.starts_with("  ") && !line.starts_with("   "); }

Words words_of(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

}  // namespace

TEST_CASE("help: its lines fit into COLUMNS, from 40 to 100, and 80 where nobody says how wide it is") {
  for (const auto* command : all_commands()) {
    const Words words{std::string(command->name), "--help"};
    for (const std::size_t columns : {40U, 60U, 80U, 100U})
      for (const auto& line : lines_of(help_at(std::to_string(columns), words)))
        CHECK_MESSAGE((line.size() <= columns || is_unbroken(line)), command->name, ": ", line);
  }
  const auto usual = run(test::sockx({"listen", "--help"}), {.environment = {"COLUMNS="}});
  CHECK(usual == help_at("80", {"listen", "--help"}));
  CHECK(usual == help_at("wide", {"listen", "--help"}));
  CHECK(help_at("10", {"listen", "--help"}) == help_at("40", {"listen", "--help"}));
  CHECK(help_at("1000", {"listen", "--help"}) == help_at("100", {"listen", "--help"}));
}

TEST_CASE("help: its lines fit the terminal that standard output is") {
  Terminal terminal(50);
  Process process(test::sockx({"help", "values"}), {.out = terminal.stream(), .environment = {"COLUMNS="}});
  check_end(process, exited(0));
  CHECK(terminal.shown_with("may follow.") == help_at("50", {"help", "values"}));
  CHECK(widest_line(terminal.shown()) <= 50);
}

TEST_CASE("help: the global options stand once in each page, in the last group of options") {
  for (const auto* command : all_commands()) {
    const auto page = help_at("80", {std::string(command->name), "--help"});
    CAPTURE(page);
    const auto at = page.find("\nGlobal options:\n");
    REQUIRE(at != std::string::npos);
    for (const std::string option : {"  -h, --help", "  --quiet", "  --json", "  --color"}) {
      CHECK(page.find("\n" + option) > at);
      CHECK(page.find("\n" + option) == page.rfind("\n" + option));
    }
    const auto end = page.find("\n\n", at + 1);
    CHECK(page.find("\n  -", end) == std::string::npos);
  }
}

TEST_CASE("help: `sockx help` explains sockx, and `sockx help SUBCOMMAND` the subcommand") {
  CHECK(run(test::sockx({"help"})) == run(test::sockx({"--help"})));
  for (const std::string name : {"connect", "relay", "help", "completion"})
    CHECK(run(test::sockx({"help", name})) == run(test::sockx({name, "--help"})));
}

TEST_CASE("help: a topic is the section of sockx(1), word by word") {
  if (is_missing("mandoc")) return;
  auto page = run({"mandoc", "-T", "ascii", "-O", "width=1000", source_folder() + "/man/sockx.1"});
  page = std::regex_replace(page, std::regex(".\b"), "");
  std::ranges::replace(page, '`', '\'');  // an opening quote
  for (const auto& topic : help_topics) {
    std::string heading(topic.name);
    for (char& letter : heading)
      letter = letter == '-' ? ' ' : static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
    const auto mark = "\n" + heading + "\n";
    const auto begin = page.find(mark);
    REQUIRE_MESSAGE(begin != std::string::npos, heading);
    const auto text = page.substr(begin + mark.size());
    std::smatch next;
    REQUIRE(std::regex_search(text, next, std::regex("\n[A-Z]")));
    const auto expected = words_of(text.substr(0, static_cast<std::size_t>(next.position())));
    const auto shown = words_of(help_at("80", {"help", std::string(topic.name)}));
    for (std::size_t i = 0; i < std::max(expected.size(), shown.size()); ++i) {
      REQUIRE_MESSAGE(i < shown.size(), topic.name, " lacks ", expected[i]);
      REQUIRE_MESSAGE(i < expected.size(), topic.name, " has too much: ", shown[i]);
      REQUIRE_MESSAGE(shown[i] == expected[i], topic.name, ": ", shown[i], " in place of ", expected[i],
                      " after ", i == 0 ? "" : shown[i - 1]);
    }
  }
}

TEST_CASE("help: the macros of mdoc become plain text") {
  const auto shown = [](const std::string& source) { return rendered_mdoc(source, 40); };
  CHECK(shown("A\n.Ar port\nis a number\n.Pq Xr ports 7 ,\nor a\n.Dq name .\n") ==
        "A port is a number (ports(7)), or a\n\"name\".\n");
  CHECK(shown(".Fl -send , -forward\nof\n.Nm ,\n.Oo Ar v6 Oc Ns \\&: Ns Ar port\n") ==
        "--send, --forward of sockx, [v6]:port\n");
  CHECK(shown("These are:\n.Bl -bullet -compact\n.It\none\n.It\ntwo\n.El\n.Pp\nEnd.\n") ==
        "These are:\n\no one\no two\n\nEnd.\n");
  CHECK(shown(".Bl -tag -width 12+n\n.It Ql \\exHH\nlong\n.It 1\nshort, in several words\n.El\n") ==
        "'\\xHH'\n    long\n\n1   short, in several words\n");
}

TEST_CASE("help: a misspelt topic suggests the nearest, and another word lists them all") {
  Process misspelt(test::sockx({"help", "exit-stauts"}));
  check_failure(misspelt, 2, "'exit-stauts': no such subcommand or topic; did you mean exit-status?");
  Process unknown(test::sockx({"help", "quantum"}));
  check_failure(unknown, 2,
                "completion, endpoints, values, socket-options, events, environment, exit-status");
}

TEST_CASE("version: the first line is the program's, then come copyright, license and libraries") {
  const auto lines = lines_of(run(test::sockx({"--version"})));
  REQUIRE(lines.size() > 7);
  CHECK(std::regex_match(lines[0], std::regex(R"(sockx \d+\.\d+\.\d+)")));
  const auto license = read_file(source_folder() + "/LICENSE");
  CHECK(lines[1].starts_with("Copyright"));
  for (const auto& line : {lines[1], lines[2]}) CHECK(contains(license, line));
  const auto rest = joined(Words(lines.begin() + 3, lines.end()), "\n");
  for (const std::string word : {"NO WARRANTY", "CLI11 ", "fmt ", "spdlog ", "OpenSSL", "zstd", "Linux "})
    CHECK_MESSAGE(contains(rest, word), word);
}

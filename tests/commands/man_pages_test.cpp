// The manual pages against the program: what --help offers is described, and nothing else is.
#include <doctest/doctest.h>
#include <stdio.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "../support/sockx.hpp"
#include "commands/commands.hpp"
#include "net/option/socket_option.hpp"

using namespace sockx;

namespace {

using Words = std::set<std::string>;

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream stream(line);
  return {std::istream_iterator<std::string>(stream), {}};
}

std::vector<std::string> lines_of(std::istream& stream) {
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> lines_of_file(const std::string& path) {
  std::ifstream file(path);
  REQUIRE_MESSAGE(file, path << " cannot be read");
  return lines_of(file);
}

std::vector<std::string> lines_of_page(const std::string& page) {
  return lines_of_file(test::source_folder() + "/man/" + page + ".1");
}

/// What a command of the shell prints.
std::vector<std::string> lines_printed_by(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> output(popen(command.c_str(), "r"), pclose);
  REQUIRE(output);
  std::string text;
  char buffer[4096];
  while (const auto got = fread(buffer, 1, sizeof buffer, output.get())) text.append(buffer, got);
  std::istringstream stream(text);
  return lines_of(stream);
}

/// What `sockx WORDS --help` prints.
std::vector<std::string> lines_of_help(const std::string& words) {
  return lines_printed_by("'" + test::sockx_binary() + "' " + words + " --help");
}

/// The page as a reader sees it on a terminal, without bold and underlined letters.
std::vector<std::string> rendered(const std::filesystem::path& page) {
  auto lines = lines_printed_by("mandoc -T ascii -O width=80 '" + page.string() + "'");
  const std::regex overstruck(".\b");
  for (auto& line : lines) line = std::regex_replace(line, overstruck, "");
  return lines;
}

/// "-h, --help" at the beginning of a line is two options, "--hexdump[=FILE]" is --hexdump; descriptions
/// stand further to the right. Of a subcommand, the global options are left out, but for --help.
Words options_in_help(const std::string& words) {
  Words options;
  for (const auto& line : lines_of_help(words)) {
    if (line == "Global options:" && !words.empty()) break;
    if (!line.starts_with("  -") || line.starts_with("  - ")) continue;  // "-" is standard input
    for (auto word : words_of(line)) {
      if (!word.starts_with('-')) break;
      const bool goes_on = word.ends_with(',');
      options.insert(word.substr(0, word.find_first_of(",[")));
      if (!goes_on) break;
    }
  }
  if (!words.empty()) options.merge(Words{"-h", "--help"});
  return options;
}

/// ".It Fl h , Fl -help" is two options as well. An .It of another list has no Fl.
Words options_in_page(const std::string& page) {
  Words options;
  for (const auto& line : lines_of_page(page)) {
    const auto words = words_of(line);
    if (words.size() < 3 || words[0] != ".It") continue;
    for (std::size_t i = 1; i + 1 < words.size(); ++i)
      if (words[i] == "Fl") options.insert("-" + words[i + 1]);
  }
  return options;
}

/// The lines of one section, without its heading.
std::vector<std::string> section(const std::string& page, const std::string& name) {
  std::vector<std::string> lines;
  bool inside = false;
  for (const auto& line : lines_of_page(page)) {
    if (line.starts_with(".Sh "))
      inside = line == ".Sh " + name;
    else if (inside)
      lines.push_back(line);
  }
  REQUIRE_MESSAGE(!lines.empty(), "man/" << page << ".1 has no section " << name);
  return lines;
}

/// The statuses that a section lists, death by a signal aside.
Words statuses_in_page(const std::string& page) {
  Words statuses;
  for (const auto& line : section(page, "EXIT STATUS"))
    if (line.starts_with(".It ") && line != ".It 128+n") statuses.insert(line.substr(4));
  return statuses;
}

/// The numbers of enum ExitCode, from its source.
Words statuses_in_source() {
  Words statuses;
  bool inside = false;
  for (const auto& line : lines_of_file(test::source_folder() + "/src/cli/exit_code.hpp")) {
    const auto words = words_of(line);
    if (line.starts_with("enum class ExitCode")) inside = true;
    if (inside && words.size() == 3 && words[1] == "=")
      statuses.insert(words[2].substr(0, words[2].find(',')));
    if (line == "};") inside = false;
  }
  return statuses;
}

/// What stands as an event's name before its members.
Words events_in_source() {
  const std::regex event(R"re("([a-z_-]+)",\s*(\{\{|\{\}|\w*fields))re");
  Words events;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(test::source_folder() + "/src")) {
    if (entry.path().extension() != ".cpp") continue;
    std::ifstream file(entry.path());
    const std::string text(std::istreambuf_iterator<char>(file), {});
    for (std::sregex_iterator found(text.begin(), text.end(), event), end; found != end; ++found)
      events.insert((*found)[1]);
  }
  return events;
}

std::string page_of(const Command& command) { return "sockx-" + std::string(command.name); }

void check_options(const std::string& words, const std::string& page) {
  const auto offered = options_in_help(words);
  const auto described = options_in_page(page);
  CHECK_MESSAGE(offered.contains("--help"), "`sockx " << words << " --help` could not be read");
  for (const auto& option : offered)
    CHECK_MESSAGE(described.contains(option),
                  "man/" << page << ".1 has no `.It Fl` for " << option << ", which --help offers");
  for (const auto& option : described)
    CHECK_MESSAGE(offered.contains(option),
                  "man/" << page << ".1 describes " << option << ", which --help does not offer");
}

}  // namespace

TEST_CASE("man pages: sockx(1) describes the global options, all of them and no others") {
  check_options("", "sockx");
}

TEST_CASE("man pages: each subcommand's page describes its options, all of them and no others") {
  for (const auto& command : commands) check_options(std::string(command.name), page_of(command));
}

TEST_CASE("man pages: no rendered line is too wide, and an option has both its dashes wherever it stands") {
  if (test::is_missing("mandoc")) return;
  constexpr std::size_t widest = 100;  // a row of --hexdump in an example; what is filled has 80
  Words options = options_in_help("");
  for (const auto& command : commands) options.merge(options_in_help(std::string(command.name)));
  const std::regex with_one_dash("(^|[^-[:alnum:]])(-[a-z][a-z-]+)");
  for (const auto& entry : std::filesystem::directory_iterator(test::source_folder() + "/man")) {
    const auto lines = rendered(entry.path());
    CHECK_MESSAGE(lines.size() > 20, entry.path().string());
    for (const auto& line : lines) {
      CHECK_MESSAGE(line.size() <= widest, entry.path().string() << ": " << line);
      for (std::sregex_iterator found(line.begin(), line.end(), with_one_dash), end; found != end; ++found)
        CHECK_MESSAGE(!options.contains("-" + (*found)[2].str()), entry.path().string() << ": " << line);
    }
  }
}

TEST_CASE("man pages: sockx(1) points to every other page") {
  Words named;
  for (const auto& line : section("sockx", "SEE ALSO")) {
    const auto words = words_of(line);
    if (words.size() >= 3 && words[0] == ".Xr") named.insert(words[1] + '.' + words[2]);
  }
  Words expected;
  for (const auto& command : commands) expected.insert(page_of(command) + ".1");
  for (const auto& entry : std::filesystem::directory_iterator(test::source_folder() + "/man"))
    expected.insert(entry.path().filename().string());
  expected.erase("sockx.1");
  for (const auto& page : expected)
    CHECK_MESSAGE(named.contains(page), "SEE ALSO in man/sockx.1 does not name " << page);
}

TEST_CASE("man pages: sockx(1) explains every exit status, and the other pages no unknown one") {
  const auto known = statuses_in_source();
  CHECK_MESSAGE(known.contains("0"), "enum ExitCode could not be read from src/cli/exit_code.hpp");
  const auto explained = statuses_in_page("sockx");
  for (const auto& status : known)
    CHECK_MESSAGE(explained.contains(status), "EXIT STATUS in man/sockx.1 does not explain " << status);
  for (const auto& status : explained)
    CHECK_MESSAGE(known.contains(status), "EXIT STATUS in man/sockx.1 explains an unknown " << status);
  for (const auto& command : commands)
    for (const auto& status : statuses_in_page(page_of(command)))
      CHECK_MESSAGE(known.contains(status),
                    "EXIT STATUS in man/" << page_of(command) << ".1 explains an unknown " << status);
}

TEST_CASE("man pages: sockx(1) explains every event") {
  Words explained;
  for (const auto& line : section("sockx", "EVENTS"))
    if (line.starts_with(".It Cm ")) explained.insert(line.substr(7));
  const auto told = events_in_source();
  CHECK_MESSAGE(told.contains("accepted"), "the events could not be read from src");
  for (const auto& event : told)
    CHECK_MESSAGE(explained.contains(event), "EVENTS in man/sockx.1 does not explain " << event);
}

TEST_CASE(
    "man pages: sockx(1) describes the socket options of --opt, with an asterisk where they are set last") {
  Words described;
  for (const auto& line : section("sockx", "SOCKET OPTIONS"))
    if (line.starts_with(".It Dv "))
      for (const auto& word : words_of(line))
        if (word.find('_') != std::string::npos) described.insert(word);
  Words expected;
  for (const auto& option : socket_options()) {
    if (option.phase == SocketOption::Phase::none) continue;
    const bool is_late = option.phase == SocketOption::Phase::connected;
    expected.insert(std::string(option.name) + (is_late ? "*" : ""));
  }
  for (const auto& name : expected)
    CHECK_MESSAGE(described.contains(name), "SOCKET OPTIONS in man/sockx.1 does not describe " << name);
  for (const auto& name : described)
    CHECK_MESSAGE(expected.contains(name),
                  "SOCKET OPTIONS in man/sockx.1 describes " << name << ", not of --opt");
}

TEST_CASE("man pages: sockx-sockopt(1) has the rows of the table, word by word, and no others") {
  std::vector<std::string> described, expected;
  std::string level;
  for (const auto& line : section("sockx-sockopt", "SOCKET OPTIONS")) {
    if (line.starts_with(".Ss ")) level = line.substr(4);
    if (line.starts_with(".It Dv "))
      described.push_back(level + ' ' + line.substr(7));
    else if (!level.empty() && !line.starts_with("."))
      described.push_back(line);
  }
  for (const auto& option : socket_options()) {
    constexpr std::array accesses{"read", "write", "both"};
    std::ostringstream row;
    row << level_name(option.level) << ' ' << option.name << " Pq " << name_of(option.type) << " , "
        << accesses.at(static_cast<std::size_t>(option.access));
    expected.push_back(row.str());
    std::string sentence(option.help);
    sentence.front() = static_cast<char>(std::toupper(sentence.front()));
    expected.push_back(sentence + '.');
  }
  for (std::size_t i = 0; i < std::max(described.size(), expected.size()); ++i) {
    REQUIRE_MESSAGE(i < expected.size(), "man/sockx-sockopt.1 has too much: " << described.at(i));
    REQUIRE_MESSAGE(i < described.size(), "man/sockx-sockopt.1 lacks: " << expected.at(i));
    REQUIRE_MESSAGE(described.at(i) == expected.at(i),
                    "man/sockx-sockopt.1: " << described.at(i) << "\nthe table: " << expected.at(i));
  }
}

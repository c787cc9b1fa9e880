// sockx called nc against nc.openbsd: each row of nc_rows.txt is played with both, and the transcripts
// compared.
//
// SOCKX_NC_ROWS=WORDS plays only the rows that contain the words, or the row of a line number;
// SOCKX_NC_SHOW=1 prints all transcripts; SOCKX_NC_SUBJECT=PROGRAM stands in for sockx (nc.openbsd itself
// shows that the rows are sound).
#include <doctest/doctest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <regex>
#include <set>

#include "../support/sockx.hpp"
#include "nc_table.hpp"
#include "own_network.hpp"
#include "scene.hpp"

namespace test {

namespace {

const std::string hosts =
    "127.0.0.1 localhost\n::1 localhost ip6-localhost\n127.0.0.1 four.test\n::1 six.test\n"
    "127.0.0.1 both.test\n::1 both.test\n127.0.0.1 two.test\n127.0.0.2 two.test\n";

std::string setting(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr ? value : "";
}

const NcTable& table() {
  const auto other = setting("SOCKX_NC_TABLE");
  static const NcTable read =
      read_nc_table(other.empty() ? source_folder() + "/tests/personalities/nc_rows.txt" : other);
  return read;
}

/// Under AddressSanitizer each fifth line of the table, unless rows are asked for.
std::vector<NcRow> chosen_rows() {
  const auto words = setting("SOCKX_NC_ROWS");
  std::vector<NcRow> rows;
  for (const auto& row : table().rows) {
    const bool is_wanted = words.empty() ? !is_sanitized() || row.line % 5 == 0
                                         : contains(row.text, words) || std::to_string(row.line) == words;
    if (is_wanted) rows.push_back(row);
  }
  return rows;
}

/// A program of the name nc.
std::string link_to(const Folder& folder, const std::string& name, const std::string& program) {
  fs::create_directory(folder / name);
  fs::create_symlink(program, folder / name + "/nc");
  return folder / name + "/nc";
}

std::string path_to(const std::string& program) {
  std::istringstream folders(setting("PATH"));
  for (std::string folder; std::getline(folders, folder, ':');)
    if (access((folder + '/' + program).c_str(), X_OK) == 0) return folder + '/' + program;
  return program;
}

unsigned next_ports() {
  static std::atomic<unsigned> count = 0;
  return 10000 + count++ % 2200 * 10;
}

std::string replaced(const std::string& text, const NcDifference& difference) {
  return std::regex_replace(text, std::regex(difference.shows), difference.replacement);
}

/// A port of the test may happen to be that of a service.
std::string without_service(const std::string& text) {
  return std::regex_replace(text, std::regex(R"((P[0-9] port \[(tcp|udp)/)[^\]]+)"), "$1*");
}

/// Empty when it is as it should be.
std::string judged(const NcRow& row, const Transcript& expected, const Transcript& actual) {
  const auto theirs = without_service(expected.text()), ours = without_service(actual.text());
  auto allowed = theirs;
  for (const auto& difference : table().everywhere) allowed = replaced(allowed, difference);
  const auto both = "  nc.openbsd:\n" + allowed + "  sockx:\n" + ours;
  bool is_compared = true;
  for (const auto& difference : row.differences) {
    if (!difference.is_replacement) {
      is_compared = false;
      if (!contains(ours, difference.shows))
        return "  sockx does not show: " + difference.shows + "\n" + both;
      if (difference.is_certain && contains(theirs, difference.shows))
        return "  nc shows it too: " + difference.shows + "\n" + both;
      continue;
    }
    const auto before = allowed;
    allowed = replaced(allowed, difference);
    if (allowed == before) return "  nc does not show: " + difference.shows + "\n" + both;
  }
  return !is_compared || allowed == ours ? "" : both;
}

template <class Job>
std::vector<std::string> for_each_row(const std::vector<NcRow>& rows, Job job) {
  std::vector<std::function<std::string()>> jobs;
  for (const auto& row : rows)
    jobs.emplace_back([&row, job] {
      try {
        return job(row);
      } catch (const std::exception& error) {
        return std::string("  ") + error.what() + '\n';
      }
    });
  return run_in_own_networks(hosts, 40, jobs);
}

void report(const std::vector<NcRow>& rows, const std::vector<std::string>& results) {
  std::size_t failed = 0;
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (results[i].empty()) continue;
    ++failed;
    MESSAGE("nc_rows.txt:", rows[i].line, ": nc ", rows[i].text, "\n", results[i]);
  }
  CHECK_MESSAGE(failed == 0, failed, " of ", rows.size(), " rows");
}

}  // namespace

TEST_CASE("nc: each command line of the table does what it does with nc.openbsd") {
  if (is_missing("nc.openbsd")) return;
  const Folder folder;
  const auto rows = chosen_rows();
  const auto subject = setting("SOCKX_NC_SUBJECT");
  const Scene oracle{.program = {link_to(folder, "oracle", path_to("nc.openbsd"))}};
  const Scene ours{.program = {link_to(folder, "ours", subject.empty() ? sockx_binary() : path_to(subject))}};
  const bool shows = !setting("SOCKX_NC_SHOW").empty();
  const auto results = for_each_row(rows, [&](const NcRow& row) {
    const auto expected = play(oracle, row, next_ports()), actual = play(ours, row, next_ports());
    return shows ? row.text + '\n' + expected.text() + judged(row, expected, actual)
                 : judged(row, expected, actual);
  });
  report(rows, results);
}

namespace {

/// `sockx explain nc WORDS`.
std::unique_ptr<Process> explain(const std::vector<std::string>& words) {
  auto process = std::make_unique<Process>(sockx({"explain", "nc"}) + words);
  process->wait();
  return process;
}

/// The row with ports and a folder, for what opens nothing.
std::vector<std::string> filled_in(const NcRow& row) {
  auto words = row.words;
  for (auto& word : words)
    word = std::regex_replace(std::regex_replace(word, std::regex("P([0-9])"), "1000$1"), std::regex("DIR"),
                              "/tmp");
  return words;
}

/// Empty when it has a command, or says what nc says of a command line that is wrong.
std::string judged_explanation(const NcRow& row, const std::string& nc) {
  const auto words = filled_in(row);
  const auto explained = explain(words);
  const auto lines = lines_of(explained->out());
  if (explained->wait() == exited(0) && !lines.empty() && contains(lines.front(), "sockx ")) return "";
  Process refusing(std::vector<std::string>{nc} + words);
  const auto end = refusing.wait();
  auto said = refusing.err();
  for (std::size_t at = 0; (at = said.find(nc)) != std::string::npos;) said.replace(at, nc.size(), "nc");
  const bool is_refused_too =
      explained->wait() == end && explained->out().empty() && explained->err() == said;
  return is_refused_too ? "" : "  explain:\n" + explained->out() + explained->err() + "  nc:\n" + said;
}

}  // namespace

TEST_CASE("nc: explain has a command for each command line of the table, or refuses it as nc does") {
  const Folder folder;
  const auto nc = link_to(folder, "ours", sockx_binary());
  const auto rows = chosen_rows();
  report(rows, for_each_row(rows, [&](const NcRow& row) { return judged_explanation(row, nc); }));
}

TEST_CASE("nc: what explain prints does what nc does") {
  const Folder folder;
  link_to(folder, "ours", sockx_binary());
  fs::create_symlink(sockx_binary(), folder / "sockx");
  const Scene ours{.program = {folder / "ours/nc"}};
  const Scene explained{
      .program = {"sh", "-c"},
      .environment = {"PATH=" + folder.path() + ":" + setting("PATH")},
      .words = [](const std::vector<std::string>& program, const std::vector<std::string>& words) {
        auto command = lines_of(explain(words)->out());
        if (command.empty()) throw std::runtime_error("no explanation");
        return program + std::vector<std::string>{(command.front().starts_with("sockx ") ? "exec " : "") +
                                                  command.front()};
      }};
  std::vector<NcRow> rows;
  for (const auto& row : chosen_rows())
    if (row.is_explained || !setting("SOCKX_NC_ALL").empty()) rows.push_back(row);
  report(rows, for_each_row(rows, [&](const NcRow& row) {
           const auto expected = play(ours, row, next_ports()), actual = play(explained, row, next_ports());
           const bool same = expected.out == actual.out && expected.heard == actual.heard &&
                             (expected.status == 0) == (actual.status == 0) &&
                             (expected.status == -1) == (actual.status == -1);
           return same ? "" : "  nc:\n" + expected.text() + "  what explain prints:\n" + actual.text();
         }));
}

TEST_CASE("nc: sockx-nc(1) lists the accepted differences, word by word, and has every letter of -h") {
  std::vector<std::string> described, expected;
  std::set<std::string> letters;
  bool is_inside = false;
  for (auto line : lines_of(read_file(source_folder() + "/man/sockx-nc.1"))) {
    if (line.starts_with(".Sh ")) is_inside = line == ".Sh DIFFERENCES";
    if (line.starts_with(".It Fl ")) letters.insert(line.substr(7, 1));
    if (!is_inside) continue;
    for (std::size_t at = 0; (at = line.find("\\-", at)) != std::string::npos; ++at) line.erase(at, 1);
    if (line.starts_with(".It Sy "))
      described.push_back(line.substr(7) + ':');
    else if (!line.starts_with(".") && !described.empty())
      described.back() += ' ' + line;
  }
  for (const auto& reason : table().reasons) expected.push_back(reason.name + ": " + reason.sentence);
  CHECK(described == expected);
  Process help({"bash", "-c", "exec -a nc '" + sockx_binary() + "' -h"});
  check_end(help, exited(0));
  for (const auto& line : lines_of(help.err()))
    if (line.starts_with("\t\t-"))
      CHECK_MESSAGE(letters.contains(line.substr(3, 1)), "no .It Fl for: ", line);
  std::set<std::string> used;
  for (const auto& row : table().rows)
    for (const auto& difference : row.differences) used.insert(difference.reason);
  for (const auto& difference : table().everywhere) used.insert(difference.reason);
  for (const auto& reason : table().reasons)
    CHECK_MESSAGE(used.contains(reason.name), "no row differs for the reason ", reason.name);
}

}  // namespace test

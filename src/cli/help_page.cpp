#include "cli/help_page.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/words.hpp"
#include "base/wrapped.hpp"
#include "os/terminal.hpp"

namespace sockx {

namespace {

constexpr std::size_t usual_width = 80, narrowest = 40, widest = 100;

/// Where the meanings begin: on a narrow terminal below the names.
std::size_t column_for(std::size_t width) {
  constexpr std::size_t wide_enough = 70, beside = 30, below = 6;
  return width < wide_enough ? below : beside;
}

std::string shown_name(const FlagRow& row) {
  return joined(row.names, ", ") + (row.is_optional || row.value_name.empty() ? "" : " ") + row.value_name;
}

}  // namespace

HelpPage::HelpPage(std::size_t width) : width_(width), column_(column_for(width)) {}

void HelpPage::add_line(const std::string& line) { text_ += wrapped(line, 0, 0, width_) + '\n'; }

void HelpPage::add_usage(const std::string& usage) {
  std::string_view mark = "Usage: ";
  std::istringstream lines(usage);
  for (std::string line; std::getline(lines, line);) {
    text_ += text("{:7}{}\n", mark, wrapped(line, mark.size(), 9, width_));
    mark = "       ";
  }
}

void HelpPage::add_group(const std::string& title, const Rows& rows) {
  text_ += text("\n{}:\n", wrapped(title, 1, 0, width_));
  for (const auto& [name, meaning] : rows) {
    const auto begin = "  " + name;
    const bool fits = begin.size() + 2 <= column_;
    text_ += fits ? text("{:<{}}", begin, column_) : text("{}\n{:{}}", begin, "", column_);
    text_ += wrapped(meaning, column_, column_, width_) + '\n';
  }
}

void HelpPage::add_options(const Flags& flags) {
  const auto rows = help_rows(flags);
  std::vector<std::string> titles;
  for (const auto& row : flags.rows())
    if (std::ranges::find(titles, row.section) == titles.end()) titles.push_back(row.section);
  for (const auto& title : titles) {
    Rows group;
    for (std::size_t i = 0; i < rows.size(); ++i)
      if (flags.rows()[i].section == title) group.push_back(rows[i]);
    add_group(title, group);
  }
}

void HelpPage::add_examples(const Flags& flags) {
  if (flags.examples().empty()) return;
  text_ += "\nExamples:\n";
  constexpr std::size_t indent = 6;
  for (const auto& [command, meaning] : flags.examples())
    text_ += text("  {}\n{:{}}{}\n", command, "", indent, wrapped(meaning, indent, indent, width_));
}

HelpPage::Rows help_rows(const Flags& flags) {
  HelpPage::Rows rows;
  for (const auto& row : flags.rows()) rows.emplace_back(shown_name(row), row.help);
  return rows;
}

void print_page(const std::string& page) {
  const bool is_printed = std::fputs(page.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  if (!is_printed) throw_errno("write stdout", Origin::standard_output);
}

std::size_t page_width() {
  const char* const columns = std::getenv("COLUMNS");
  const auto told = columns == nullptr ? std::nullopt : number_in<std::size_t>(columns);
  const auto width = told && *told > 0 ? *told : terminal_columns(STDOUT_FILENO).value_or(usual_width);
  return std::clamp(width, narrowest, widest);
}

}  // namespace sockx

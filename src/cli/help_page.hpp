// HelpPage: what --help prints, in lines that fit the terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/flags.hpp"

namespace sockx {

class HelpPage {
 public:
  /// A line has at most `width` columns.
  explicit HelpPage(std::size_t width);

  void add_line(const std::string& line);
  /// A line of its own, after an empty one.
  void add_text(const std::string& line) { text_ += '\n', add_line(line); }
  /// Each line of `usage` is a way to call the program.
  void add_usage(const std::string& usage);
  using Rows = std::vector<std::pair<std::string, std::string>>;
  /// A group with a title: names, and beside them what they mean.
  void add_group(const std::string& title, const Rows& rows);
  /// A group for each section of the options.
  void add_options(const Flags& flags);
  void add_examples(const Flags& flags);

  const std::string& page() const { return text_; }

 private:
  std::size_t width_, column_;
  std::string text_;
};

/// The options of `flags` in their order, with their values, and what they mean.
HelpPage::Rows help_rows(const Flags& flags);

/// Writes it to standard output. Throws Error with Origin::standard_output.
void print_page(const std::string& page);

/// How wide a page is: COLUMNS from the environment, if it is a number; else the width of the terminal that
/// standard output is; else 80. It is at least 40 and at most 100.
std::size_t page_width();

}  // namespace sockx

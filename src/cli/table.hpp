// Table: results in columns for people, an event a row for programs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/report.hpp"

namespace sockx {

class Table {
 public:
  explicit Table(std::vector<std::string> heading) : rows_{std::move(heading)} {}

  /// As many cells as the heading has.
  void add(std::vector<std::string> cells, std::vector<Field> fields);
  /// Each row is a result: columns as wide as their widest cell, the heading above the first.
  void tell(Report& report, std::string_view event) const;

 private:
  std::vector<std::vector<std::string>> rows_;
  std::vector<std::vector<Field>> fields_;
};

}  // namespace sockx

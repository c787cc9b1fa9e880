#include "cli/table.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"

namespace sockx {

namespace {

constexpr std::size_t gap = 2;

std::string aligned(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    line += cells[i];
    if (i + 1 < cells.size()) line.append(widths[i] + gap - cells[i].size(), ' ');
  }
  return line;
}

}  // namespace

void Table::add(std::vector<std::string> cells, std::vector<Field> fields) {
  for (auto& cell : cells) cell = one_line(std::move(cell));  // it may quote a name from the network
  rows_.push_back(std::move(cells));
  fields_.push_back(std::move(fields));
}

void Table::tell(Report& report, std::string_view event) const {
  std::vector<std::size_t> widths(rows_.front().size());
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  auto heading = aligned(rows_.front(), widths) + '\n';
  for (std::size_t i = 0; i < fields_.size(); ++i)
    report.result(std::exchange(heading, "") + aligned(rows_[i + 1], widths), event, fields_[i]);
}

}  // namespace sockx

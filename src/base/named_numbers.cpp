#include "base/named_numbers.hpp"

#include <algorithm>
#include <cctype>

#include "base/error.hpp"
#include "base/nearest.hpp"
#include "base/text.hpp"
#include "base/words.hpp"

namespace sockx {

std::string upper_case(std::string_view word) {
  std::string result(word);
  for (char& letter : result)
    if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
  return result;
}

std::string NameTable::name_of(int number) const {
  const auto row = std::ranges::find(rows, number, &NamedNumber::number);
  return row == rows.end() ? std::to_string(number) : std::string(row->name);
}

std::string NameTable::names_of(int flags) const {
  std::string shown;
  for (const auto& [name, number] : rows) {
    if ((flags & number) == 0) continue;
    shown += (shown.empty() ? "" : "|") + std::string(name);
    flags &= ~number;
  }
  if (flags != 0) shown += text("{}{:#x}", shown.empty() ? "" : "|", static_cast<unsigned>(flags));
  return shown.empty() ? "0" : shown;
}

std::vector<std::string> NameTable::short_names() const {
  std::vector<std::string> names;
  names.reserve(rows.size());
  for (const auto& row : rows) {
    auto& name = names.emplace_back(row.name.substr(prefix.size()));
    for (char& letter : name) letter = letter == '_' ? '-' : static_cast<char>(std::tolower(letter));
  }
  return names;
}

const NamedNumber* NameTable::find(const std::string& word) const {
  auto name = upper_case(word);
  std::ranges::replace(name, '-', '_');
  const auto row = std::ranges::find_if(
      rows, [&](const auto& any) { return any.name == name || any.name.substr(prefix.size()) == name; });
  return row == rows.end() ? nullptr : &*row;
}

int NameTable::parse(const std::string& word) const {
  if (const auto* const row = find(word)) return row->number;
  if (const auto number = number_in<int>(word); number && *number >= 0) return *number;
  throw_unknown(word);
}

int NameTable::parse_flags(const std::string& list) const {
  int flags = 0;
  for (const auto& word : split_list(list)) {
    if (word.empty()) throw BadInput(text("'{}': say one or more names with commas between them", list));
    const auto* const row = find(word);
    if (row == nullptr) throw_unknown(word);
    flags |= row->number;
  }
  return flags;
}

void NameTable::throw_unknown(const std::string& word) const {
  std::vector<std::string> names;
  for (const auto& row : rows) {
    names.emplace_back(row.name);
    names.emplace_back(row.name.substr(prefix.size()));
  }
  const auto similar = nearest(upper_case(word), names);
  if (!similar.empty()) {
    const auto* const meant = find(similar);
    throw BadInput(text("'{}': no such {}; did you mean {}?", word, kind, meant->name));
  }
  throw BadInput(text("'{}': no such {}; there are {}", word, kind, joined(rows, ", ", &NamedNumber::name)));
}

}  // namespace sockx

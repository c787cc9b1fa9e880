#include "cli/flags.hpp"

#include <memory>
#include <stdexcept>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/words.hpp"

namespace sockx {

Flag Flag::value_name(std::string shown) const {
  row_->value_name = std::move(shown);
  return *this;
}

Flag Flag::help(std::string words) const {
  row_->help = std::move(words);
  return *this;
}

Flag Flag::kind(ValueKind kind) const {
  row_->kind = kind;
  return *this;
}

Flag Flag::choices(std::vector<std::string> words) const {
  row_->choices = std::move(words);
  return *this;
}

Flag Flag::repeatable() const {
  row_->is_repeatable = true;
  return *this;
}

Flag Flag::needs(const std::string& name) const {
  row_->needs.push_back(name);
  return *this;
}

Flag Flag::excludes(const std::string& name) const {
  row_->excludes.push_back(name);
  return *this;
}

Flag Flag::noted_in(std::vector<std::string>& given) const {
  row_->take = [take = std::move(row_->take), name = name(), &given](const std::string& word) {
    given.push_back(name);
    take(word);
  };
  return *this;
}

Flag Flags::add_value(const std::string& names, const std::string& value_name, Take take,
                      const std::string& help, ValueKind kind) {
  auto& row = rows_.emplace_back();
  row.names = split_list(names);
  row.kind = kind;
  row.value_name = value_name;
  row.help = help;
  row.section = section_;
  row.take = [take = std::move(take), name = row.name()](const std::string& word) {
    try {
      take(word);
    } catch (const BadInput& error) {
      if (!error.wrong.empty()) throw;
      throw advise(BadInput(text("{}: {}", name, error.what())), error.mend);
    }
  };
  return Flag(row);
}

Flag Flags::add_flag(const std::string& names, bool& target, const std::string& help) {
  return add_flag(
      names, [&target] { target = true; }, help);
}

Flag Flags::add_flag(const std::string& names, std::function<void()> act, const std::string& help) {
  const auto take = [act = std::move(act)](const std::string&) { act(); };
  return add_value(names, "", take, help, ValueKind::none);
}

Flag Flags::add_optional(const std::string& names, std::string& target, const std::string& value_without,
                         const std::string& value_name, const std::string& help, ValueKind kind) {
  auto flag = add_text(names, target, "[=" + value_name + "]", help, kind);
  rows_.back().is_optional = true;
  rows_.back().value_without = value_without;
  return flag;
}

Flag Flags::add_text(const std::string& names, std::string& target, const std::string& value_name,
                     const std::string& help, ValueKind kind) {
  const auto take = [&target](const std::string& word) {
    if (word.empty()) throw BadInput("'': say something");
    target = word;
  };
  return add_value(names, value_name, take, help, kind);
}

Flag Flags::add_number(const std::string& names, std::uint64_t low, std::uint64_t high,
                       std::function<void(std::uint64_t)> take, const std::string& help) {
  const auto read = [take = std::move(take), low, high](const std::string& word) {
    const auto number = is_all_digits(word) ? number_in<std::uint64_t>(word) : std::nullopt;
    if (!number || *number < low || *number > high)
      throw BadInput(high == std::numeric_limits<std::uint64_t>::max()
                         ? text("'{}': say a number from {} on", word, low)
                         : text("'{}': say a number from {} to {}", word, low, high));
    take(*number);
  };
  return add_value(names, "N", read, help, ValueKind::number);
}

Flag Flags::add_count(const std::string& names, std::optional<std::uint64_t>& target,
                      const std::string& help) {
  return add_number(names, target, 1, std::numeric_limits<std::uint64_t>::max(), help);
}

Flag Flags::add_duration(const std::string& names, std::optional<Duration>& target, const std::string& help) {
  const auto read = [&target](const std::string& word) { target = parse_duration(word); };
  return add_value(names, "DURATION", read, help, ValueKind::duration);
}

Flag Flags::add_size(const std::string& names, std::optional<std::uint64_t>& target,
                     const std::string& help) {
  const auto read = [&target](const std::string& word) { target = parse_size(word); };
  return add_value(names, "SIZE", read, help, ValueKind::size);
}

Flag Flags::add_one_of(const std::string& names, std::vector<std::string> words,
                       std::function<void(std::size_t)> choose, const std::string& help) {
  const auto take = [choose = std::move(choose), words](const std::string& word) {
    const auto found = std::ranges::find(words, word);
    if (found == words.end()) throw_bad_choice(word, words);
    choose(static_cast<std::size_t>(found - words.begin()));
  };
  const auto flag = add_value(names, joined(words, "|"), take, help, ValueKind::choice);
  rows_.back().choices = std::move(words);
  return flag;
}

Flag Flags::add_constant(const std::string& names, int& target, const NameTable& table,
                         const std::string& value_name, const std::string& help) {
  const auto read = [&target, &table](const std::string& word) { target = table.parse(word); };
  return add_value(names, value_name, read, help, ValueKind::choice).choices(table.short_names());
}

Flag Flags::add_constants(const std::string& names, int& target, const NameTable& table,
                          const std::string& help) {
  const auto read = [&target, &table](const std::string& list) { target = table.parse_flags(list); };
  std::vector<std::string> words;
  words.reserve(table.rows.size());
  for (const auto& row : table.rows) words.emplace_back(row.name);
  return add_value(names, "FLAG[,FLAG...]", read, help, ValueKind::list).choices(std::move(words));
}

Flag Flags::add_program(const std::string& names, std::vector<std::string>& target, const std::string& help) {
  const auto is_asked = std::make_shared<bool>(false);
  take_program_ = [&target, is_asked, name = split_list(names).back()](std::vector<std::string> words) {
    if (*is_asked && words.empty())
      throw BadInput(
          text("{0}: the program and its arguments come last, after `--`: `{0} -- PROGRAM ARG...`", name));
    target = std::move(words);
  };
  return add_flag(
      names, [is_asked] { *is_asked = true; }, help);
}

void Flags::finish(std::vector<std::string> program) {
  take_program_(std::move(program));
  when_read_();
}

Flag Flags::get(const std::string& name) {
  const auto row = std::ranges::find_if(rows_, [&](const FlagRow& one) { return one.has_name(name); });
  if (row == rows_.end()) throw std::logic_error(text("no option {}", name));
  return Flag(*row);
}

std::vector<Flag> Flags::all() {
  std::vector<Flag> flags;
  for (auto& row : rows_) flags.emplace_back(row);
  return flags;
}

void throw_bad_choice(const std::string& word, const std::vector<std::string>& choices) {
  throw BadInput(text("'{}': say {}", word, joined(choices, ", ", " or ")));
}

}  // namespace sockx

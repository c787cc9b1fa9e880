#include "cli/parser.hpp"

#include <CLI/App.hpp>

#include <algorithm>
#include <functional>
#include <memory>

#include "base/text.hpp"
#include "cli/flags.hpp"

namespace sockx {

namespace {

CLI::Option* add_row(CLI::App& app, const FlagRow& row) {
  const auto names = joined(row.names, ",");
  const auto take = [&row](const std::string& word) { row.take(word); };
  if (row.kind == ValueKind::none)
    return app.add_flag_callback(
        names, [&row] { row.take(""); }, row.help);
  if (!row.is_optional) return app.add_option_function<std::string>(names, take, row.help);
  const auto value = std::make_shared<std::string>();
  return app.add_flag(text("{}{{{}}}", names, row.value_without), *value, row.help)
      ->each([take, value](const std::string& word) { take(word); });
}

/// Each word becomes an option of its own, because CLI11 splits a word like [a,b] into a list.
void add_words(CLI::App& app, WordsRow& words) {
  const auto take = [&words](const std::string& word) { words.given.push_back(word); };
  app.add_option_function<std::string>(words.shown, take)
      ->option_text(words.shown)
      ->required(words.is_required);
  for (std::size_t i = 2; i <= words.most; ++i)
    app.add_option_function<std::string>(text("word {}", i), take)->option_text("");
}

/// For the same reason this uses neither a vector nor the extra arguments of CLI11.
void add_word_list(CLI::App& app, WordsRow& words) {
  const auto take = [&words](const CLI::results_t& given) {
    words.given = given;
    return true;
  };
  constexpr int most = 1'000'000;  // fewer are no error
  app.add_option(words.shown, take)
      ->option_text(words.shown)
      ->required(words.is_required)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->expected(most);
}

/// True at least where CLI11 would find it: as a word, before a =, or as a letter among others.
bool may_be_among(const std::vector<std::string>& typed, const std::string& name) {
  return std::ranges::any_of(typed, [&name](const std::string& word) {
    const bool is_letter = name.size() == 2;
    return is_letter ? word.starts_with('-') && word.find(name[1], 1) != std::string::npos
                     : word.starts_with(name);
  });
}

using Wanted = std::function<bool(const std::string& name)>;

void add_wanted(CLI::App& app, Flags& flags, const Wanted& is_wanted) {
  constexpr std::size_t few = 10;
  if (flags.words().most > few)
    add_word_list(app, flags.words());
  else if (flags.words().most > 0)
    add_words(app, flags.words());
  std::vector<const FlagRow*> wanted;
  std::vector<std::string> partners;  // that the wanted ones need or exclude
  for (const auto& row : flags.rows()) {
    if (!std::ranges::any_of(row.names, is_wanted)) continue;
    wanted.push_back(&row);
    partners.insert(partners.end(), row.needs.begin(), row.needs.end());
    partners.insert(partners.end(), row.excludes.begin(), row.excludes.end());
  }
  const auto is_partner = [&partners](const std::string& name) {
    return std::ranges::find(partners, name) != partners.end();
  };
  for (const auto& row : flags.rows()) {
    if (!std::ranges::any_of(row.names, is_wanted) && !std::ranges::any_of(row.names, is_partner)) continue;
    auto* const option = add_row(app, row)->option_text(row.value_name);
    if (row.is_repeatable) option->allow_extra_args(false)->trigger_on_parse();
  }
  for (const auto* const row : wanted) {
    if (row->needs.empty() && row->excludes.empty()) continue;
    auto* const option = app.get_option(row->name());
    for (const auto& other : row->needs) option->needs(app.get_option(other));
    for (const auto& other : row->excludes) option->excludes(app.get_option(other));
  }
}

}  // namespace

void add_to(CLI::App& app, Flags& flags) {
  add_wanted(app, flags, [](const std::string&) { return true; });
}

void add_to(CLI::App& app, Flags& flags, const std::vector<std::string>& typed) {
  add_wanted(app, flags, [&typed](const std::string& name) { return may_be_among(typed, name); });
}

}  // namespace sockx

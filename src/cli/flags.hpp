// Flags: the options of a command as rows of data, from which the parser and --help are made.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/named_numbers.hpp"
#include "base/non_copyable.hpp"
#include "cli/units.hpp"

namespace sockx {

/// What a value is. A shell completes the value accordingly.
enum class ValueKind {
  none,  // the option has no value
  text,  // there is nothing to complete it with
  number,
  duration,
  size,
  choice,  // one of `choices`; some options take other words too
  list,    // words of `choices`, separated by commas
  file,
  directory,
  path,  // a file or a directory
  host,
  service,
  endpoint,
  file_or_host,
  interface,
  protocol,  // of IP
  user,
  process,
  congestion,     // the name of a congestion control algorithm
  socket_option,  // NAME=VALUE
  relay_end
};

/// An option as it is declared.
struct FlagRow {
  std::vector<std::string> names;  // with their dashes, the letter first
  ValueKind kind = ValueKind::text;
  bool is_optional = false;          // the value, which then follows a =
  std::string value_name;            // for --help: FILE
  std::string value_without;         // given to `take` when an optional value is missing
  std::vector<std::string> choices;  // the words that the value can be, where they are few
  std::string help, section;
  std::vector<std::string> needs, excludes;      // names of others
  bool is_repeatable = false;                    // `take` is called for each value
  std::function<void(const std::string&)> take;  // throws BadInput

  /// The first long one, or else the letter.
  const std::string& name() const { return names.back(); }
  bool has_name(const std::string& name) const { return std::ranges::find(names, name) != names.end(); }
};

/// The words that are not options.
struct WordsRow {
  std::string shown;  // for --help: "HOST PORT"
  std::size_t most = 0;
  std::vector<ValueKind> kinds = {};  // of each word; the last one also of those that follow
  bool is_required = true;
  std::vector<std::string> choices = {};  // for a word of kind choice
  std::vector<std::string> given = {};    // once they have been read
};

/// Changes a row. Other options are given by name, and may be declared later.
class Flag {
 public:
  explicit Flag(FlagRow& row) : row_(&row) {}
  bool operator==(const Flag&) const = default;
  const std::string& name() const { return row_->name(); }

  Flag value_name(std::string shown) const;
  Flag help(std::string words) const;
  Flag kind(ValueKind kind) const;
  Flag choices(std::vector<std::string> words) const;
  Flag repeatable() const;
  Flag needs(const std::string& name) const;
  Flag needs(Flag other) const { return needs(other.name()); }
  Flag excludes(const std::string& name) const;
  Flag excludes(Flag other) const { return excludes(other.name()); }
  /// Its name is added to `given` whenever it is given.
  Flag noted_in(std::vector<std::string>& given) const;

 private:
  FlagRow* row_;
};

/// The options of a command. `names` are separated by commas, the letter first. The targets that options are
/// read into must outlive the parsing. A message about a wrong value begins with the option's name.
class Flags {
 public:
  using Take = std::function<void(const std::string&)>;

  Flag add_flag(const std::string& names, bool& target, const std::string& help);
  Flag add_flag(const std::string& names, std::function<void()> act, const std::string& help);
  /// The value is optional, after a =; without one `target` becomes `value_without`.
  Flag add_optional(const std::string& names, std::string& target, const std::string& value_without,
                    const std::string& value_name, const std::string& help, ValueKind kind);

  /// `take` gets the value. Throws BadInput for a value that is wrong.
  Flag add_value(const std::string& names, const std::string& value_name, Take take, const std::string& help,
                 ValueKind kind);
  /// A text that is not empty.
  Flag add_text(const std::string& names, std::string& target, const std::string& value_name,
                const std::string& help, ValueKind kind);
  Flag add_file(const std::string& names, std::string& target, const std::string& help) {
    return add_text(names, target, "FILE", help, ValueKind::file);
  }
  /// A whole number; `target` is one, or an optional of one.
  template <class T>
  Flag add_number(const std::string& names, T& target, std::uint64_t low, std::uint64_t high,
                  const std::string& help);
  /// From 1 on.
  Flag add_count(const std::string& names, std::optional<std::uint64_t>& target, const std::string& help);
  Flag add_duration(const std::string& names, std::optional<Duration>& target, const std::string& help);
  Flag add_size(const std::string& names, std::optional<std::uint64_t>& target, const std::string& help);

  /// One of a few words.
  template <class Choice>
  Flag add_choice(const std::string& names, Choice& target,
                  const std::vector<std::pair<std::string, Choice>>& choices, const std::string& help);

  /// A constant of the C headers; the second: several of them as bits, separated by commas.
  Flag add_constant(const std::string& names, int& target, const NameTable& table,
                    const std::string& value_name, const std::string& help);
  Flag add_constants(const std::string& names, int& target, const NameTable& table, const std::string& help);

  /// At most `most` words. Returns the list that they are in after parsing.
  const std::vector<std::string>& add_words(std::size_t most, const std::string& shown,
                                            std::vector<ValueKind> kinds, bool is_required = true) {
    words_ = {shown, most, std::move(kinds), is_required};
    return words_.given;
  }
  const std::vector<std::string>& add_word_list(const std::string& shown, std::vector<ValueKind> kinds,
                                                bool is_required = true) {
    return add_words(std::numeric_limits<std::size_t>::max(), shown, std::move(kinds), is_required);
  }
  /// The words after `--` go into `target`.
  void take_program(std::vector<std::string>& target) {
    take_program_ = [&target](std::vector<std::string> words) { target = std::move(words); };
  }
  /// The same with a flag that demands them.
  Flag add_program(const std::string& names, std::vector<std::string>& target, const std::string& help);

  /// What the words can be, for --help: a title, and each form with its meaning.
  struct Forms {
    std::string title;
    std::vector<std::pair<std::string, std::string>> rows;
  };
  void set_forms(Forms forms) { forms_ = std::move(forms); }
  const Forms& forms() const { return forms_; }

  void set_examples(std::vector<std::pair<std::string, std::string>> examples) {
    examples_ = std::move(examples);
  }

  /// `call` runs after parsing. It throws BadInput for options that do not go together.
  void when_read(std::function<void()> call) { when_read_ = std::move(call); }
  /// To be called after parsing, with the words of a program. Throws BadInput.
  void finish(std::vector<std::string> program);

  /// The option of that name, which is declared already.
  Flag get(const std::string& name);
  /// Makes a usage error of `other` together with any of the options of these names.
  void exclude(std::initializer_list<const char*> names, Flag other) {
    for (const auto* const name : names) get(name).excludes(other);
  }
  /// All so far, in the order of their declaration.
  std::vector<Flag> all();

  const std::deque<FlagRow>& rows() const { return rows_; }
  WordsRow& words() { return words_; }
  const WordsRow& words() const { return words_; }
  const std::vector<std::pair<std::string, std::string>>& examples() const { return examples_; }

 private:
  friend class HelpSection;
  Flag add_one_of(const std::string& names, std::vector<std::string> words,
                  std::function<void(std::size_t)> choose, const std::string& help);
  Flag add_number(const std::string& names, std::uint64_t low, std::uint64_t high,
                  std::function<void(std::uint64_t)> take, const std::string& help);
  std::deque<FlagRow> rows_;
  WordsRow words_;
  Forms forms_;
  std::vector<std::pair<std::string, std::string>> examples_;
  std::function<void(std::vector<std::string>)> take_program_ = [](const auto&) {};
  std::function<void()> when_read_ = [] {};
  std::string section_ = "Options";
};

/// While one exists, options are added to the section `title` of --help.
class HelpSection : NonCopyable {
 public:
  HelpSection(Flags& flags, std::string title)
      : flags_(flags), before_(std::exchange(flags.section_, std::move(title))) {}
  ~HelpSection() { flags_.section_ = std::move(before_); }

 private:
  Flags& flags_;
  std::string before_;
};

/// "'word': say a, b or c"
[[noreturn]] void throw_bad_choice(const std::string& word, const std::vector<std::string>& choices);

template <class T>
Flag Flags::add_number(const std::string& names, T& target, std::uint64_t low, std::uint64_t high,
                       const std::string& help) {
  const auto take = [&target](std::uint64_t number) {
    if constexpr (std::integral<T>)
      target = static_cast<T>(number);
    else
      target = static_cast<typename T::value_type>(number);
  };
  return add_number(names, low, high, std::function<void(std::uint64_t)>(take), help);
}

template <class Choice>
Flag Flags::add_choice(const std::string& names, Choice& target,
                       const std::vector<std::pair<std::string, Choice>>& choices, const std::string& help) {
  std::vector<std::string> words;
  words.reserve(choices.size());
  for (const auto& [word, value] : choices) words.push_back(word);
  const auto choose = [&target, choices](std::size_t chosen) { target = choices[chosen].second; };
  return add_one_of(names, std::move(words), choose, help);
}

}  // namespace sockx

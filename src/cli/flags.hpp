// Flags and Flag: what options are declared with, and the kinds of values that they have.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/units.hpp"
#include "os/named_numbers.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace sockx {

/// A handle on an option that is declared. What changes the option returns the handle, to go on with.
class Flag {
 public:
  explicit Flag(CLI::Option& option) : option_(&option) {}
  bool operator==(const Flag&) const = default;
  /// The first of its long names, or else its letter, with the dashes.
  std::string name() const;

  /// What --help shows for the value.
  Flag option_text(const std::string& shown) const;
  /// The heading above it in --help.
  Flag group(const std::string& title) const;
  Flag required(bool is_required = true) const;
  /// May be given several times; its function gets one value after the other.
  Flag repeatable() const;
  /// Its value must be something.
  Flag not_empty() const;
  Flag range(int low, int high) const;
  Flag range(unsigned low, unsigned high) const;
  /// The other one is declared already, and on the same Flags.
  Flag needs(Flag other) const;
  Flag needs(const std::string& name) const;
  Flag excludes(Flag other) const;
  Flag excludes(const std::string& name) const;

 private:
  template <class Number>
  Flag within(Number low, Number high) const;
  CLI::Option* option_;
};

/// What the options of a subcommand are declared on. `names` are separated by commas; what an option is read
/// into must outlive the parsing, not this.
class Flags {
 public:
  explicit Flags(CLI::App& app) : app_(app) {}

  Flag add_flag(const std::string& names, bool& target, const std::string& help);
  Flag add_flag(const std::string& names, std::function<void()> act, const std::string& help);
  /// A flag that may be given a value with =. `names` end with what it has without: "--hexdump{-}".
  Flag add_flag(const std::string& names, std::string& target, const std::string& help);

  /// Into a std::string or several, a number, or an optional of one: flags.cpp has a line for each type.
  template <class T>
  Flag add_option(const std::string& names, T& target, const std::string& help);
  /// `take` gets the value; what it throws is said as it is.
  Flag add_option_function(const std::string& names, std::function<void(const std::string&)> take,
                           const std::string& help);
  /// `read` gets the value; what it finds wrong (BadInput) is said with the option's name in front. So do all
  /// that follow.
  Flag add_read(const std::string& names, std::function<void(const std::string&)> read,
                const std::string& help);
  Flag add_duration(const std::string& names, std::optional<Duration>& target, const std::string& help);
  /// A number from 1 on.
  Flag add_count(const std::string& names, std::optional<std::uint64_t>& target, const std::string& help);
  Flag add_size(const std::string& names, std::optional<std::uint64_t>& target, const std::string& help);

  /// One of a few words; the message for another word lists them.
  template <class Choice>
  Flag add_choice(const std::string& name, Choice& target,
                  const std::vector<std::pair<std::string, Choice>>& choices, const std::string& help);

  /// A constant of the C headers, and several of them as bits, separated by commas.
  Flag add_constant(const std::string& name, int& target, const NameTable& table, const std::string& help);
  Flag add_constants(const std::string& name, int& target, const NameTable& table, const std::string& help);

  /// One to `most` positional words, untouched. Returns the first, which is required and shows them all.
  Flag add_words(std::vector<std::string>& words, int most, const std::string& shown);
  /// Any number of positional words, untouched.
  Flag add_word_list(std::vector<std::string>& words, const std::string& shown);

  /// Sets the text that --help shows below the options, and where the words in it are explained.
  void set_examples(const std::vector<std::pair<std::string, std::string>>& examples);

  /// The option of that name, which is declared already.
  Flag get(const std::string& name) const;
  /// All so far, in the order of their declaration.
  std::vector<Flag> all() const;

 private:
  Flag add_one_of(const std::string& name, const std::vector<std::string>& words,
                  std::function<void(std::size_t)> choose, const std::string& help);
  CLI::App& app_;
};

/// The options that are added while one lives stand under `title` in --help.
class HelpSection {
 public:
  HelpSection(const Flags& flags, std::string title);
  HelpSection(const HelpSection&) = delete;
  HelpSection& operator=(const HelpSection&) = delete;
  ~HelpSection();

 private:
  const Flags& flags_;
  std::string title_;
  std::size_t first_;
};

[[noreturn]] void throw_bad_choice(const std::string& option, const std::string& word,
                                   const std::vector<std::string>& choices);

template <class Choice>
Flag Flags::add_choice(const std::string& name, Choice& target,
                       const std::vector<std::pair<std::string, Choice>>& choices, const std::string& help) {
  std::vector<std::string> words;
  words.reserve(choices.size());
  for (const auto& [word, value] : choices) words.push_back(word);
  const auto choose = [&target, choices](std::size_t chosen) { target = choices[chosen].second; };
  return add_one_of(name, words, choose, help);
}

}  // namespace sockx

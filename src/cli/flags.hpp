// Flag groups that several subcommands share, and the kinds of values that CLI11 does not know.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Validators.hpp>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/time_limits.hpp"
#include "cli/units.hpp"
#include "net/dial.hpp"
#include "net/endpoint.hpp"
#include "net/listen.hpp"
#include "net/stream_options.hpp"
#include "os/named_numbers.hpp"

namespace sockx {

/// An option whose value `read` takes at once; what it finds wrong (BadInput) is said with the option's name
/// in front. So do all that follow.
CLI::Option* add_read(CLI::App& app, const std::string& names, std::function<void(const std::string&)> read,
                      const std::string& help);
CLI::Option* add_duration(CLI::App& app, const std::string& names, std::optional<Duration>& target,
                          const std::string& help);
CLI::Option* add_size(CLI::App& app, const std::string& names, std::optional<std::uint64_t>& target,
                      const std::string& help);

/// One of a few words; the message for another word lists them.
template <class Choice>
CLI::Option* add_choice(CLI::App& app, const std::string& name, Choice& target,
                        const std::vector<std::pair<std::string, Choice>>& choices, const std::string& help);

/// A constant of the C headers, and several of them as bits, separated by commas.
CLI::Option* add_constant(CLI::App& app, const std::string& name, int& target, const NameTable& table,
                          const std::string& help);
CLI::Option* add_constants(CLI::App& app, const std::string& name, int& target, const NameTable& table,
                           const std::string& help);

/// For an option whose value must be something: a validator of CLI11.
CLI::Validator not_empty();

/// One to `most` positional words, untouched. Returns the first, which is required and shows them all.
CLI::Option* add_words(CLI::App& app, std::vector<std::string>& words, int most, const std::string& shown);

/// Any number of positional words, untouched.
CLI::Option* add_word_list(CLI::App& app, std::vector<std::string>& words, const std::string& shown);

/// The words of one endpoint, read with Endpoint::parse once the command runs.
void add_endpoint(CLI::App& app, std::vector<std::string>& words, const std::string& shown);

/// -4, -6, --numeric, --source, --interface, --mptcp, --congestion, --opt.
void add_stream_flags(CLI::App& app, StreamOptions& options);

/// SOCKX_TIMEOUT gives the limits connect and idle a default.
void add_connect_timeout(CLI::App& app, TimeLimits& limits);
void add_accept_timeout(CLI::App& app, TimeLimits& limits);
/// --idle-timeout and --deadline.
void add_run_timeouts(CLI::App& app, TimeLimits& limits);

/// The options that are added while one lives stand under `title` in --help.
class HelpSection {
 public:
  HelpSection(CLI::App& app, std::string title)
      : app_(app), title_(std::move(title)), first_(app.get_options().size()) {}
  HelpSection(const HelpSection&) = delete;
  HelpSection& operator=(const HelpSection&) = delete;
  ~HelpSection() {
    const auto options = app_.get_options();
    for (auto i = first_; i < options.size(); ++i) options[i]->group(title_);
  }

 private:
  CLI::App& app_;
  std::string title_;
  std::size_t first_;
};

/// Sets the text that --help shows below the options, and where the words in it are explained.
void set_examples(CLI::App& app, const std::vector<std::pair<std::string, std::string>>& examples);

[[noreturn]] void throw_bad_choice(const std::string& option, const std::string& word,
                                   const std::vector<std::string>& choices);

template <class Choice>
CLI::Option* add_choice(CLI::App& app, const std::string& name, Choice& target,
                        const std::vector<std::pair<std::string, Choice>>& choices, const std::string& help) {
  std::string shown;
  for (const auto& choice : choices) shown += (shown.empty() ? "" : "|") + choice.first;
  const auto read = [&target, choices, name](const std::string& word) {
    std::vector<std::string> words;
    for (const auto& [choice, value] : choices) {
      if (choice == word) target = value;
      if (choice == word) return;
      words.push_back(choice);
    }
    throw_bad_choice(name, word, words);
  };
  return app.add_option_function<std::string>(name, read, help)->option_text(shown);
}

}  // namespace sockx

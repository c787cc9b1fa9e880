#include "app/command_line.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <iterator>

#include "app/hints.hpp"
#include "app/own_commands.hpp"
#include "app/version_page.hpp"
#include "base/error.hpp"
#include "base/nearest.hpp"
#include "cli/help_page.hpp"
#include "cli/parser.hpp"
#include "commands/commands.hpp"

namespace sockx {

namespace {

bool is_option(const std::string& word) { return word.size() > 1 && word.starts_with('-'); }

std::vector<std::string> long_option_names(const Flags& flags) {
  std::vector<std::string> names;
  for (const auto& row : flags.rows())
    std::ranges::copy_if(row.names, std::back_inserter(names),
                         [](const std::string& name) { return name.starts_with("--"); });
  return names;
}

std::vector<std::string> long_option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* option : app.get_options())
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

bool is_command(const std::string& word) { return find_command(word) != nullptr; }

std::string page_of(const Command* command) {
  const auto name = command == nullptr || !has_page(*command) ? "" : text("-{}", command->name);
  return text("man sockx{}", name);
}

constexpr const char* section_of_globals = "Global options";

/// For --help and the shells; CLI11 reads these three in its own way.
void declare_usual_flags(Flags& flags) {
  const HelpSection section(flags, section_of_globals);
  flags.add_flag(
      "-h,--help", [] {}, "print this help");
  flags.add_flag(
      "--version", [] {}, "print the version, and what this build and this machine can do");
  flags.add_flag(
      "-v,--verbose", [] {}, "log more; twice for everything");
}

void declare_own_flags(Flags& flags, GlobalOptions& globals) {
  const HelpSection section(flags, section_of_globals);
  flags.add_flag("--quiet", globals.quiet,
                 "print only the error message if the run fails; with --check and --scan print nothing");
  flags.add_flag("--trace", globals.trace, "print every socket call on standard error");
  flags.add_flag("--json", globals.json, "print results and events as NDJSON");
  flags.add_file("--events", globals.events_file, "write the events, as NDJSON, to FILE");
  const auto take_level = [&globals](const std::string& word) { globals.log_level = parse_log_level(word); };
  flags
      .add_value("--log-level", "LEVEL", take_level, "what to log: trace, debug, info, warn, error or off",
                 ValueKind::choice)
      .choices({"trace", "debug", "info", "warn", "error", "off"});
  flags.add_file("--log-file", globals.log_file, "also log to FILE");
  flags.add_choice("--color", globals.color,
                   {{"auto", Color::automatic}, {"always", Color::on}, {"never", Color::off}},
                   "color the log (default: auto)");
}

/// `sockx --help`, or `sockx COMMAND --help` with its flags.
std::string help_of(const Command* command, const Flags& flags) {
  Flags globals;
  GlobalOptions ignored;
  declare_global_flags(globals, ignored);
  HelpPage page(page_width());
  if (command == nullptr) {
    page.add_line("sockx: the BSD socket interface, usable from a shell");
    page.add_usage("sockx [OPTIONS] SUBCOMMAND\nsockx help [SUBCOMMAND|TOPIC]");
    HelpPage::Rows subcommands;
    for (const auto* any : all_commands()) subcommands.emplace_back(any->name, any->summary);
    page.add_group("Subcommands", subcommands);
  } else {
    page.add_line(std::string(command->summary));
    page.add_usage(text("sockx {} [OPTIONS] {}", command->name, flags.words().shown));
    page.add_options(flags);
    if (!flags.forms().rows.empty()) page.add_group(flags.forms().title, flags.forms().rows);
  }
  page.add_options(globals);
  page.add_examples(command == nullptr ? globals : flags);
  page.add_text(text("`sockx help TOPIC` explains {}. In full: {}.",
                     joined(help_topics, ", ", " and ", &HelpTopic::name), page_of(command)));
  return page.page();
}

}  // namespace

void declare_global_flags(Flags& flags, GlobalOptions& globals) {
  declare_usual_flags(flags);
  declare_own_flags(flags, globals);
  flags.set_examples({{"sockx listen 5678", "wait for a connection and join it to the terminal"},
                      {"sockx connect example.com 80", "open a connection"},
                      {"sockx send-file disk.img 192.0.2.7 5678", "send a file with sendfile(2)"}});
}

CommandLine::CommandLine(std::vector<std::string> words)
    : typed_(std::move(words)),
      app_(std::make_unique<CLI::App>("sockx: the BSD socket interface, usable from a shell", "sockx")) {
  app_->require_subcommand(1, 1);
  app_->fallthrough();
  app_->set_help_flag("-h,--help");
  app_->set_version_flag("--version", version_page);
  app_->add_flag("-v,--verbose", globals.verbosity);
  declare_own_flags(global_flags_, globals);
  add_to(*app_, global_flags_);
}

CommandLine::~CommandLine() = default;

void CommandLine::add_command(const Command& command) {
  auto* const subcommand = app_->add_subcommand(std::string(command.name), std::string(command.summary));
  subcommand->preparse_callback([this, subcommand, &command](std::size_t) {
    run = command.declare(flags_);
    add_to(*subcommand, flags_, typed_);
  });
}

bool CommandLine::mentions(std::string_view option) const {
  const auto end = std::ranges::find(typed_, "--");  // what follows are the words of another program
  return std::find(typed_.begin(), end, option) != end;
}

std::optional<std::string> CommandLine::parse() {
  refuse_explanation();
  cut_off_program();
  const auto* const command = checked_first_word(typed_);
  if (command != nullptr) add_command(*command);                   // no other: each costs a page of memory
  std::vector<std::string> words(typed_.rbegin(), typed_.rend());  // CLI11 takes them from the back
  try {
    app_->parse(std::move(words));
    flags_.finish(std::move(program_));
    return {};
  } catch (const CLI::CallForVersion& asked) {
    return asked.what();
  } catch (const CLI::CallForHelp&) {
    return help_of(command, flags_);
  } catch (const CLI::ExtrasError&) {
    throw_unexpected(app_->remaining(true).front());
  } catch (const CLI::RequiredError& error) {
    for (const auto& word : app_->remaining(true))
      if (is_option(word)) throw_unexpected(word);
    throw BadInput(text("{}; see `{} --help`", error.what(), name_of_chosen()));
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string message = error.what();
    const auto name = message.substr(0, message.find(':'));
    if (!message.ends_with("missing")) throw BadInput(text("{}: it is given more than once", name));
    const auto* option = chosen().get_option_no_throw(name);
    if (option == nullptr) option = app_->get_option(name);
    throw BadInput(text("{0}: its value is missing: {0} {1}", name, option->get_option_text()));
  } catch (const CLI::ExcludesError& error) {
    const std::string message = error.what();  // "A excludes B"
    constexpr std::string_view verb = " excludes ";
    const auto at = message.find(verb);
    throw BadInput(
        text("{} cannot be combined with {}", message.substr(0, at), message.substr(at + verb.size())));
  } catch (const CLI::RequiresError& error) {
    const std::string message = error.what();  // "A requires B"
    const auto hint = hint_for_partner(name_of_chosen(), message.substr(0, message.find(' ')), typed_);
    throw BadInput(hint.empty() ? message : hint);
  } catch (const CLI::ConversionError& error) {
    throw_for_value(error.what());
  } catch (const CLI::ParseError& error) {
    throw BadInput(error.what());
  }
}

/// For a flag that was given a value: only that cannot be converted. `message` ends with "= VALUE" or
/// "=VALUE".
void CommandLine::throw_for_value(const std::string& message) const {
  const auto typed = std::ranges::find_if(typed_, [&message](const std::string& word) {
    const auto equals = word.find('=');
    if (!is_option(word) || equals == std::string::npos) return false;
    const auto name = word.substr(0, equals), value = word.substr(equals + 1);
    const bool is_named = !name.starts_with("--") || message.find(name + ' ') != std::string::npos;
    return is_named && (message.ends_with("= " + value) || message.ends_with("=" + value));
  });
  if (typed == typed_.end()) throw BadInput(message);
  const auto name = typed->substr(0, typed->find('='));
  if (name == "--exec") throw BadInput(hint_for_exec(typed->substr(name.size() + 1)));
  throw BadInput(text("'{0}': {1} takes no value: say {1}", *typed, name));
}

/// Throws for `explain` with the command line of another tool than nc.
void CommandLine::refuse_explanation() const {
  const bool explains = typed_.size() > 1 && typed_[0] == "explain" && !is_option(typed_[1]);
  if (!explains) return;
  const auto look_up = [this](const std::string& of, const std::string& option) {
    return takes_value(of, option);
  };
  throw BadInput(hint_for_explanation({typed_.begin() + 1, typed_.end()}, look_up));
}

/// After --exec, and the end `exec` of relay, `--` begins the words of a program; elsewhere it ends the
/// options.
void CommandLine::cut_off_program() {
  auto& words = typed_;
  const auto dashes = std::find(words.begin(), words.end(), "--");
  const auto exec = std::find(words.begin(), dashes, "--exec");
  const auto has_blank = [](const std::string& word) {
    return word.find(' ') != std::string::npos && !word.starts_with("unix:");
  };
  if (exec != dashes && exec + 1 != dashes && has_blank(*(exec + 1)))
    throw BadInput(hint_for_exec(*(exec + 1)));
  if (dashes == words.end() && exec != dashes)
    exec_without_dashes_ = hint_for_exec(exec + 1 == dashes ? "" : *(exec + 1));
  const bool has_program = exec != dashes || std::find(words.begin(), dashes, "exec") != dashes;
  if (dashes == words.end() || !has_program) return;
  program_.assign(dashes + 1, words.end());
  words.erase(dashes, words.end());
}

/// The first word that is not an option must be a subcommand; only global options may come before it. Null if
/// there is only a call for help or for the version.
const Command* CommandLine::checked_first_word(const std::vector<std::string>& words) const {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto& word = words[i];
    if (is_option(word)) {
      const auto* const option = app_->get_option_no_throw(word.substr(0, word.find('=')));
      if (option != nullptr && option->get_items_expected_max() > 0 && word.find('=') == std::string::npos)
        ++i;
      const bool known_letters =
          !word.starts_with("--") && word.find_first_not_of("vh", 1) == std::string::npos;
      if (option == nullptr && !known_letters) {
        if (!named_command().empty()) throw_if_of_subcommand(word);
        throw_unexpected(word);
      }
      continue;
    }
    if (const auto* const command = find_command(word)) return command;
    const auto names = command_names();
    const auto similar = nearest(word, names);
    const std::vector<std::string> rest(words.begin() + static_cast<std::ptrdiff_t>(i), words.end());
    auto hint = hint_for_command(rest);
    if (hint.empty() && similar.empty()) hint = hint_for_endpoint(rest);
    if (!hint.empty()) throw BadInput(hint);
    throw BadInput(
        text("'{}': no such subcommand; {}", word,
             similar.empty() ? text("there are {}", joined(names)) : text("did you mean {}?", similar)));
  }
  const auto asks = [](const std::string& word) {
    return word == "--help" || word == "-h" || word == "--version";
  };
  if (std::none_of(words.begin(), words.end(), asks))
    throw BadInput(text("say a subcommand: {}; see `sockx --help`", joined(command_names())));
  return nullptr;
}

/// For an option of a subcommand that comes before the subcommand, or without one.
void CommandLine::throw_if_of_subcommand(const std::string& word) const {
  const auto named = named_command();
  const auto name = word.starts_with("--") ? word.substr(0, word.find('=')) : word.substr(0, 2);
  for (const auto& command : commands) {
    const std::string owner(command.name);
    if (!named.empty() && named != owner) continue;
    if (takes_value(owner, name))
      throw BadInput(text("{}: it is an option of {}, and belongs after it: `sockx {} {} ...`", name, owner,
                          owner, word));
  }
}

void CommandLine::throw_unexpected(const std::string& word) const {
  if (!is_option(word) && !exec_without_dashes_.empty()) throw BadInput(exec_without_dashes_);
  if (word.starts_with("-=")) throw_for_value(word);  // the letters before it have been taken
  const auto command = named_command();
  auto words = typed_;
  if (!command.empty()) words.erase(std::ranges::find(words, command));
  const auto look_up = [this](const std::string& of, const std::string& option) {
    return takes_value(of, option);
  };
  if (!is_option(word))
    throw BadInput(text("'{}': one word too many; {}", word, hint_for_surplus(command, words, look_up)));
  auto hint = hint_for_option(command, word, words, look_up);
  if (hint.empty() && command.empty() && word.starts_with("--"))
    hint = hint_for_missing_command(word, words, look_up);
  if (!hint.empty()) throw BadInput(hint);
  if (command.empty()) throw_if_of_subcommand(word);
  auto names = long_option_names(flags_);
  std::ranges::copy(long_option_names(*app_), std::back_inserter(names));
  const auto similar = nearest_option(word.substr(0, word.find('=')), names);
  throw BadInput(text("'{}': no such option; {}", word,
                      similar.empty() ? text("see `sockx {}--help`", command.empty() ? "" : command + ' ')
                                      : text("did you mean {}?", similar)));
}

/// The chosen subcommand, or one that comes after a word that is not understood; empty if there is none.
std::string CommandLine::named_command() const {
  if (&chosen() != app_.get()) return chosen().get_name();
  const auto named = std::ranges::find_if(typed_, is_command);
  return named == typed_.end() ? "" : *named;
}

/// An OptionLookup.
std::optional<bool> CommandLine::takes_value(const std::string& command, const std::string& option) const {
  if (const auto* const global = app_->get_option_no_throw(option))
    return global->get_items_expected_min() > 0;
  Flags flags;
  find_command(command)->declare(flags);
  for (const auto& row : flags.rows())
    if (row.has_name(option)) return row.kind != ValueKind::none && !row.is_optional;
  return {};
}

std::string CommandLine::name_of_chosen() const {
  return &chosen() == app_.get() ? app_->get_name() : app_->get_name() + ' ' + chosen().get_name();
}

const CLI::App& CommandLine::chosen() const {
  const auto subcommands = app_->get_subcommands();
  return subcommands.empty() ? *app_ : *subcommands.front();
}

}  // namespace sockx

#include "app/command_line.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <iterator>

#include "app/hints.hpp"
#include "app/version.hpp"
#include "base/error.hpp"
#include "base/nearest.hpp"
#include "cli/parser.hpp"
#include "commands/commands.hpp"

namespace sockx {

namespace {

/// CLI11's help without the names of positionals and without the options that exclude each other. The options
/// of a subcommand are shown from `flags`, because CLI11 knows only those that were typed.
class HelpFormatter : public CLI::Formatter {
 public:
  explicit HelpFormatter(const Flags& flags) : flags_(flags) {}
  std::string make_usage(const CLI::App* app, std::string) const override {
    auto usage = "Usage: sockx" + (app->get_parent() ? ' ' + app->get_name() : "") + " [OPTIONS]";
    for (const auto* option : app->get_options([](const CLI::Option* any) { return any->get_positional(); }))
      if (!option->get_option_text().empty()) usage += ' ' + option->get_option_text();
    return usage + (app->get_parent() ? "" : " SUBCOMMAND") + "\n\n";
  }
  std::string make_group(std::string title, bool is_positional,
                         std::vector<const CLI::Option*> options) const override {
    return CLI::Formatter::make_group(std::move(title), is_positional, std::move(options)).substr(1);
  }
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override {
    if (app->get_parent() == nullptr) return CLI::Formatter::make_help(app, std::move(name), mode);
    return make_description(app) + make_usage(app, std::move(name)) + sections_of(app) + '\n' +
           make_footer(app);
  }
  std::string make_positionals(const CLI::App*) const override { return ""; }
  std::string make_option_name(const CLI::Option* option, bool is_positional) const override {
    const auto name = CLI::Formatter::make_option_name(option, is_positional);
    return name.substr(0, name.find('{'));  // of a flag that may be given a value
  }
  std::string make_option_opts(const CLI::Option* option) const override {
    return behind_name(option->get_option_text());
  }

 private:
  static std::string behind_name(const std::string& value) {
    return value.empty() || value.starts_with('[') ? value : ' ' + value;
  }
  std::string sections_of(const CLI::App* app) const {
    struct Section {
      std::string title, lines;
    };
    std::vector<Section> sections{{"Options", make_option(app->get_help_ptr(), false)}};
    for (const auto& row : flags_.rows()) {
      auto section = std::ranges::find(sections, row.section, &Section::title);
      if (section == sections.end()) section = sections.insert(section, {row.section, ""});
      section->lines += line_of(row);
    }
    return joined(sections, "\n",
                  [](const Section& section) { return section.title + ":\n" + section.lines; });
  }
  std::string line_of(const FlagRow& row) const {
    const auto name = "  " + joined(row.names, ",") + behind_name(row.value_name);
    const auto width = get_column_width();
    if (name.size() < width) return text("{:<{}}{}\n", name, width, row.help);
    return text("{}\n{:{}}{}\n", name, "", width, row.help);
  }
  const Flags& flags_;
};

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

bool is_command(const std::string& word) {
  return std::ranges::any_of(commands, [&word](const auto& command) { return command.name == word; });
}

std::string command_names() { return joined(commands, ", ", &Command::name); }

void declare(Flags& flags, GlobalOptions& globals) {
  flags.add_flag("--quiet", globals.quiet, "print nothing but the reason of a failure");
  flags.add_flag("--trace", globals.trace, "print every socket call on standard error");
  flags.add_flag("--json", globals.json, "print results and events as NDJSON");
  flags.add_file("--events", globals.events_file, "write the events, as NDJSON, to FILE");
  const auto take_level = [&globals](const std::string& word) { globals.log_level = parse_log_level(word); };
  flags.add_value("--log-level", "LEVEL", take_level, "what to log: trace, debug, info, warn, error or off");
  flags.add_file("--log-file", globals.log_file, "log to FILE as well");
  flags.add_choice("--color", globals.color,
                   {{"auto", Color::automatic}, {"always", Color::on}, {"never", Color::off}},
                   "color the log (default: auto)");
  flags.set_examples({{"sockx listen 5678", "wait for a connection and join it to the terminal"},
                      {"sockx connect example.com 80", "open one"},
                      {"sockx send-file disk.img 192.0.2.7 5678", "send a file with sendfile(2)"}});
}

}  // namespace

CommandLine::CommandLine(std::vector<std::string> words)
    : typed_(std::move(words)),
      app_(std::make_unique<CLI::App>("sockx: the BSD socket interface, usable from a shell", "sockx")) {
  app_->formatter(std::make_shared<HelpFormatter>(flags_));
  app_->require_subcommand(1, 1);
  app_->fallthrough();
  app_->set_help_flag("-h,--help", "print this help");
  app_->set_version_flag("--version", text("sockx {}", version), "print the version");
  app_->add_flag("-v,--verbose", globals.verbosity, "log more; twice for everything");
  declare(global_flags_, globals);
  add_to(*app_, global_flags_);
  app_->footer(app_->get_footer() + "\nNot there yet: nc's options when started as nc.");
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
    if (command == nullptr)
      for (const auto& any : commands) add_command(any);
    return app_->help();
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
  } catch (const CLI::ParseError& error) {
    throw BadInput(error.what());
  }
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
    const auto* const command = std::ranges::find(commands, word, &Command::name);
    if (command != commands.end()) return command;
    std::vector<std::string> names;
    names.reserve(commands.size());
    for (const auto& any : commands) names.emplace_back(any.name);
    const auto similar = nearest(word, names);
    const std::vector<std::string> rest(words.begin() + static_cast<std::ptrdiff_t>(i), words.end());
    auto hint = hint_for_command(rest);
    if (hint.empty() && similar.empty()) hint = hint_for_endpoint(rest);
    if (!hint.empty()) throw BadInput(hint);
    throw BadInput(
        text("'{}': no such subcommand; {}", word,
             similar.empty() ? text("there are {}", command_names()) : text("did you mean {}?", similar)));
  }
  const auto asks = [](const std::string& word) {
    return word == "--help" || word == "-h" || word == "--version";
  };
  if (std::none_of(words.begin(), words.end(), asks))
    throw BadInput(text("say a subcommand: {}; see `sockx --help`", command_names()));
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
      throw BadInput(text("{}: it is an option of {}, and stands after it: `sockx {} {} ...`", name, owner,
                          owner, word));
  }
}

void CommandLine::throw_unexpected(const std::string& word) const {
  if (!is_option(word) && !exec_without_dashes_.empty()) throw BadInput(exec_without_dashes_);
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
  const auto similar = nearest(word.substr(0, word.find('=')), names);
  throw BadInput(
      text("'{}': no such option{}", word, similar.empty() ? "" : text("; did you mean {}?", similar)));
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
  std::ranges::find(commands, command, &Command::name)->declare(flags);
  for (const auto& row : flags.rows())
    if (row.has_name(option)) return row.kind != ValueKind::none && row.kind != ValueKind::optional;
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

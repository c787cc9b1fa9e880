#include "cli/flags.hpp"

#include <cstdlib>
#include <functional>

#include "os/error.hpp"
#include "os/text.hpp"

namespace sockx {

CLI::Option* add_read(CLI::App& app, const std::string& names, std::function<void(const std::string&)> read,
                      const std::string& help) {
  const auto name = names.substr(names.rfind(',') + 1);
  const auto named = [read = std::move(read), name](const std::string& word) {
    try {
      read(word);
    } catch (const BadInput& error) {
      throw BadInput(text("{}: {}", name, error.what()));
    }
  };
  return app.add_option_function<std::string>(names, named, help);
}

namespace {

template <class T>
CLI::Option* add_parsed(CLI::App& app, const std::string& names, std::optional<T>& target,
                        T (*parse)(const std::string&), const std::string& help, const std::string& shown) {
  const auto read = [&target, parse](const std::string& word) { target = parse(word); };
  return add_read(app, names, read, help)->option_text(shown);
}

std::optional<Duration> timeout_from_environment() {
  const char* const word = std::getenv("SOCKX_TIMEOUT");
  if (word == nullptr || *word == '\0') return {};
  try {
    return parse_duration(word);
  } catch (const BadInput& error) {
    throw BadInput(text("SOCKX_TIMEOUT: {}", error.what()));
  }
}

}  // namespace

CLI::Option* add_duration(CLI::App& app, const std::string& names, std::optional<Duration>& target,
                          const std::string& help) {
  return add_parsed(app, names, target, parse_duration, help, "DURATION");
}

CLI::Validator not_empty() {
  return {[](const std::string& word) { return word.empty() ? "'': say something" : ""; }, "", ""};
}

CLI::Option* add_size(CLI::App& app, const std::string& names, std::optional<std::uint64_t>& target,
                      const std::string& help) {
  return add_parsed(app, names, target, parse_size, help, "SIZE");
}

CLI::Option* add_constant(CLI::App& app, const std::string& name, int& target, const NameTable& table,
                          const std::string& help) {
  return add_read(
      app, name, [&target, &table](const std::string& word) { target = table.parse(word); }, help);
}

CLI::Option* add_constants(CLI::App& app, const std::string& name, int& target, const NameTable& table,
                           const std::string& help) {
  return add_read(
             app, name, [&target, &table](const std::string& list) { target = table.parse_flags(list); },
             help)
      ->option_text("FLAG[,FLAG...]");
}

CLI::Option* add_words(CLI::App& app, std::vector<std::string>& words, int most, const std::string& shown) {
  // Not one option with a vector: CLI11 would take a word like [a,b] for a list.
  const auto take = [&words](const std::string& word) { words.push_back(word); };
  auto* const first = app.add_option_function<std::string>(shown, take)->option_text(shown)->required();
  for (int i = 2; i <= most; ++i)
    app.add_option_function<std::string>(text("word {}", i), take)->option_text("");
  return first;
}

CLI::Option* add_word_list(CLI::App& app, std::vector<std::string>& words, const std::string& shown) {
  // Not a vector, nor extra arguments: CLI11 would read [a,b] as two words, and {} as none.
  const auto take = [&words](const CLI::results_t& given) {
    words = given;
    return true;
  };
  constexpr int most = 1'000'000;  // those that are not there are not missed
  return app.add_option(shown, take)
      ->option_text(shown)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->expected(most);
}

void add_endpoint(CLI::App& app, std::vector<std::string>& words, const std::string& shown) {
  add_words(app, words, 2, shown);
}

void add_stream_flags(CLI::App& app, StreamOptions& options) {
  auto* const four = app.add_flag_callback(
      "-4", [&] { options.family = AF_INET; }, "use IPv4 only");
  app.add_flag_callback(
         "-6", [&] { options.family = AF_INET6; }, "use IPv6 only")
      ->excludes(four);
  app.add_flag("-n,--numeric", options.numeric, "look up no names: the host must be an address");
  add_parsed(app, "--source", options.source, Source::parse,
             "dial from this address, port, or both; when listening: the address to listen on",
             "ADDR|:PORT|ADDR:PORT");
  app.add_option("--interface", options.interface, "use this network interface only")->option_text("DEV");
  app.add_flag("--mptcp", options.mptcp, "use Multipath TCP where the peer has it too");
  app.add_option(
         "--congestion", options.congestion,
         "congestion control algorithm; the default is the system's, and reno between two ends on this host")
      ->option_text("NAME");
  const auto read_setting = [&](const std::string& word) {
    options.settings.push_back(OptionSetting::parse(word, true));
  };
  app.add_option_function<std::string>("--opt", read_setting, "set a socket option (repeatable)")
      ->option_text("NAME=VALUE")
      ->allow_extra_args(false)
      ->trigger_on_parse();
}

void add_connect_timeout(CLI::App& app, TimeLimits& limits) {
  limits.connect = timeout_from_environment();
  add_duration(app, "-w,--connect-timeout", limits.connect, "give up connecting after DURATION");
}

void add_accept_timeout(CLI::App& app, TimeLimits& limits) {
  add_duration(app, "--accept-timeout", limits.accept, "give up waiting for a connection after DURATION");
}

void add_run_timeouts(CLI::App& app, TimeLimits& limits) {
  limits.idle = timeout_from_environment();
  add_duration(app, "--idle-timeout", limits.idle, "give up when no byte has moved either way for DURATION");
  add_duration(app, "--deadline", limits.whole_run, "give up when the whole run has taken DURATION");
}

Deadline deadline_in(const std::optional<Duration>& span) { return span ? after(*span) : never; }

void set_examples(CLI::App& app, const std::vector<std::pair<std::string, std::string>>& examples) {
  std::string shown = "Examples:";
  for (const auto& [command, meaning] : examples) shown += text("\n  {}\n      {}", command, meaning);
  app.footer(shown + "\n\nEndpoints, durations, sizes, global options and exit statuses: man sockx");
}

void throw_bad_choice(const std::string& option, const std::string& word,
                      const std::vector<std::string>& choices) {
  std::string list;
  for (std::size_t i = 0; i < choices.size(); ++i)
    list += (i == 0 ? "" : i + 1 == choices.size() ? " or " : ", ") + choices[i];
  throw BadInput(text("{}: '{}': say {}", option, word, list));
}

}  // namespace sockx

#include "app/app.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "app/command_line.hpp"
#include "base/text.hpp"
#include "cli/context.hpp"
#include "cli/exit_code.hpp"
#include "cli/help_page.hpp"
#include "cli/report.hpp"
#include "commands/stream/proxy_flags.hpp"
#include "os/environment.hpp"
#include "os/observer.hpp"
#include "os/signals.hpp"
#include "os/standard_streams.hpp"
#include "personalities/explain_nc.hpp"
#include "personalities/nc.hpp"

namespace sockx {

namespace {

LogLevel log_level(const GlobalOptions& globals) {
  if (globals.log_level) return *globals.log_level;
  if (globals.quiet) return LogLevel::off;
  if (globals.verbosity > 1) return LogLevel::trace;
  if (globals.verbosity == 1) return LogLevel::debug;
  return isatty(STDERR_FILENO) ? LogLevel::info : LogLevel::warn;
}

bool uses_color(Color color) {
  const char* const no_color = std::getenv("NO_COLOR");
  const bool by_default = isatty(STDERR_FILENO) && (no_color == nullptr || *no_color == '\0');
  return color == Color::on || (color == Color::automatic && by_default);
}

CallObserver tracer(const GlobalOptions& globals, Report& report) {
  return [&report, everything = globals.verbosity > 1](const ObservedCall& call) {
    if (call.would_block && !everything) return;
    report.diagnostic(
        "trace", {{"call", std::string(call.name)}, {"arguments", call.arguments}, {"result", call.result}},
        text("{}({}) = {}", call.name, call.arguments, call.result));
  };
}

int run_command(const CommandLine& line, Report& report) {
  const auto& globals = line.globals;
  Log log({log_level(globals), uses_color(globals.color), globals.log_file}, report);
  Context context(report, log);
  context.shows_progress = isatty(STDERR_FILENO) && !globals.quiet && !globals.json;
  int status = 0, signal = 0;
  try {
    status = static_cast<int>(line.run(context));
    report.throw_failure();
  } catch (const Interrupted& interrupted) {
    signal = interrupted.signal();
    log.failure(text("ended by signal {}", strsignal(signal)));
  } catch (...) {
    const auto thrown = std::current_exception();
    if (is_broken_standard_output(thrown))
      signal = SIGPIPE;
    else
      status = static_cast<int>(context.fail(thrown));
  }
  report.finish();
  if (signal != 0) die_by_signal(signal);
  return status;
}

/// Whether it is `sockx nc ...`, whose letters nc reads itself. With --help alone it is about the subcommand.
bool is_nc(const std::vector<std::string>& words) {
  return words.size() > 1 && words[1] == "nc" && !(words.size() == 3 && words[2] == "--help");
}

}  // namespace

int run_app(const std::vector<std::string>& words) {
  fill_closed_standard_streams();
  reset_inherited_signals();
  ignore_signals_that_calls_report();
  if (is_name_of_nc(words.front())) return run_nc(words);
  if (is_nc(words)) return run_nc({words.begin() + 1, words.end()});
  CommandLine line({words.begin() + 1, words.end()});
  try {
    if (words.size() > 2 && words[1] == "explain" && is_name_of_nc(words[2]))
      return run_explain({words.begin() + 2, words.end()});
    if (line.mentions("--inetd")) keep_words_from_peer();
    const auto asked = line.parse();
    forget_variable(credentials_variable);  // the command has it, and no child of ours needs it
    if (asked) {
      print_page(*asked);
      return 0;
    }
    Report report({line.globals.json, line.globals.quiet, line.globals.events_file});
    const auto observer = tracer(line.globals, report);
    if (line.globals.trace) set_call_observer(&observer);
    const int status = run_command(line, report);
    set_call_observer(nullptr);
    return status;
  } catch (...) {
    if (is_broken_standard_output(std::current_exception())) die_by_signal(SIGPIPE);
    Report report({line.mentions("--json"), false, ""});
    auto failure = describe_failure(std::current_exception());
    failure.message = without_credentials_of(words, std::move(failure.message));
    report.failure(failure);
    report.finish();
    return static_cast<int>(failure.status);
  }
}

}  // namespace sockx

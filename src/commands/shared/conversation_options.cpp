#include "commands/shared/conversation_options.hpp"

#include <sys/socket.h>

#include <algorithm>

#include "cli/flags.hpp"
#include "commands/shared/message_options.hpp"
#include "os/error.hpp"
#include "os/message_flags.hpp"
#include "os/split_list.hpp"
#include "os/text.hpp"

namespace sockx {

namespace {

void add_ends(CLI::App& app, ConversationOptions& options) {
  const HelpSection section(app, "When the session ends");
  const std::vector<std::pair<std::string, std::optional<Until>>> choices{
      {"both", Until::both}, {"local", Until::local}, {"peer", Until::peer}, {"either", Until::either}};
  add_choice(app, "--until", options.until, choices,
             "whose end ends the session (default: both; peer when standard input is a terminal)");
  app.add_flag("--no-shutdown", options.no_shutdown,
               "keep our half of the connection open when standard input ends");
  add_duration(app, "--eof-timeout", options.eof_timeout,
               "wait no longer than DURATION for the second direction once the first has ended");
  add_size(app, "--max-bytes", options.max_bytes, "end the session once SIZE bytes have been received");
  add_run_timeouts(app, options.limits);
}

void add_directions(CLI::App& app, ConversationOptions& options) {
  const HelpSection section(app, "Our end");
  auto* const send_only =
      app.add_flag("--send-only", options.send_only, "send, and drop what the peer says; end with our input");
  auto* const recv_only = app.add_flag("--recv-only", options.recv_only,
                                       "read no input; our half stays open until the peer's end");
  add_choice(app, "--shutdown", options.shutdown,
             {{"read", SHUT_RD}, {"write", SHUT_WR}, {"both", SHUT_RDWR}},
             "shut down one half or both right after connecting");
  auto* const line = app.add_option("--line", options.lines,
                                    "send TEXT and a newline instead of standard input (repeatable)");
  line->option_text("TEXT")->allow_extra_args(false);
  auto* const exec =
      app.add_flag("--exec", options.exec, "join the connection to a program: `--exec -- PROGRAM ARG...`");
  auto* const shell =
      app.add_option("--sh", options.shell_command, "join the connection to COMMAND, which a shell runs");
  shell->option_text("COMMAND")->check(not_empty());
  auto* const pass = app.add_flag("--pass-fd{-}", options.pass_to,
                                  "pass the connection on through the unix socket that is standard output, "
                                  "or (--pass-fd=unix:PATH) through that one");
  pass->option_text("[=unix:PATH]");
  recv_only->excludes(send_only)->excludes(line)->excludes("--until");
  for (auto* const program : {exec, shell})
    program->excludes(send_only)->excludes(recv_only)->excludes(line)->excludes("--shutdown");
  shell->excludes(exec);
}

void add_filters(CLI::App& app, ConversationOptions& options) {
  const HelpSection section(app, "What happens to the bytes");
  app.add_flag("--crlf", options.crlf, "send CRLF where the input has a bare LF");
  add_duration(app, "--line-delay", options.line_delay, "wait for DURATION between two lines that are sent");
  app.add_flag("--hexdump{-}", options.hexdump,
               "show every byte with direction, time and offset on standard error, or in FILE "
               "(--hexdump=FILE)")
      ->option_text("[=FILE]")
      ->check(not_empty());
  app.add_option("--tee-in", options.tee_in, "write what is received to FILE as well")
      ->option_text("FILE")
      ->check(not_empty());
  app.add_option("--tee-out", options.tee_out, "write what is sent to FILE as well")
      ->option_text("FILE")
      ->check(not_empty());
  add_size(app, "--rate", options.rate, "carry at most SIZE bytes a second in each direction");
}

void add_calls(CLI::App& app, ConversationOptions& options, StreamOptions& stream) {
  const HelpSection section(app, "Records and single calls");
  add_choice(app, "--type", stream.type, {{"stream", SOCK_STREAM}, {"seqpacket", SOCK_SEQPACKET}},
             "the socket's type; seqpacket keeps records apart");
  app.add_option_function<std::string>(
         "--framing", [&](const std::string& word) { options.framing = parse_framing(word); },
         "what is one record (default: line; size=1400 for a regular file)")
      ->option_text("line|size=N|len32|all");
  add_size(app, "--max-record", options.max_record, "the largest record (default: 1Mi)");
  add_size(app, "--recv-once", options.recv_once,
           "receive by a single call of recv(2) for SIZE bytes, and report what it returned");
  add_message_flags(app, "--recv-flags", options.recv_flags, recv_flags(), "flags of that call");
  app.get_option("--recv-flags")->needs("--recv-once");
  add_message_flags(app, "--send-flags", options.send_flags, send_flags(), "flags of every send(2)");
}

}  // namespace

std::vector<CLI::Option*> add_conversation_flags(CLI::App& app, ConversationOptions& options,
                                                 StreamOptions& stream) {
  const auto first = static_cast<std::ptrdiff_t>(app.get_options().size());
  add_ends(app, options);
  add_directions(app, options);
  add_filters(app, options);
  add_calls(app, options, stream);
  const auto all = app.get_options();
  std::vector<CLI::Option*> declared(all.begin() + first, all.end());
  exclude_each(declared, app.get_option("--pass-fd"));
  for (const auto* const name : {"--crlf", "--line-delay", "--tee-out", "--send-flags"})
    app.get_option(name)->excludes("--recv-only");
  for (const auto* const name : {"--max-bytes", "--tee-in", "--shutdown", "--recv-once"})
    app.get_option(name)->excludes("--send-only");
  app.get_option("--max-bytes")->excludes("--recv-once");
  return declared;
}

void exclude_each(const std::vector<CLI::Option*>& options, CLI::Option* other,
                  const std::vector<std::string>& but) {
  for (auto* const option : options)
    if (option != other && std::ranges::find(but, option->get_name()) == but.end()) option->excludes(other);
}

}  // namespace sockx

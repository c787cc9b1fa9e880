#include "commands/conversation/conversation_options.hpp"

#include <sys/socket.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/flag_groups.hpp"

namespace sockx {

namespace {

void add_ends(Flags& flags, ConversationOptions& options) {
  const HelpSection section(flags, "When the session ends");
  const std::vector<std::pair<std::string, std::optional<Until>>> choices{
      {"both", Until::both}, {"local", Until::local}, {"peer", Until::peer}, {"either", Until::either}};
  flags.add_choice("--until", options.until, choices,
                   "which side must have finished sending to end the session (default: both; peer when "
                   "standard input is a terminal)");
  flags.add_flag("--no-shutdown", options.no_shutdown,
                 "keep our half of the connection open when standard input ends");
  flags.add_duration("--eof-timeout", options.eof_timeout,
                     "after one direction has ended, wait at most DURATION for the other");
  flags.add_size("--max-bytes", options.max_bytes, "end the session once SIZE bytes have been received");
  add_idle_timeout_and_deadline(flags, options.limits);
}

void add_directions(Flags& flags, ConversationOptions& options) {
  const HelpSection section(flags, "Local side");
  const auto send_only =
      flags.add_flag("--send-only", options.send_only,
                     "send only, and discard what the peer sends; end when the input ends");
  const auto recv_only = flags.add_flag("--recv-only", options.recv_only,
                                        "read no input; keep our half open until the peer closes");
  flags.add_choice("--shutdown", options.shutdown,
                   {{"read", SHUT_RD}, {"write", SHUT_WR}, {"both", SHUT_RDWR}},
                   "shut down one half or both at the beginning");
  const auto take_line = [&options](const std::string& line) { options.lines.push_back(line); };
  const auto line =
      flags
          .add_value("--line", "TEXT", take_line,
                     "send TEXT and a newline instead of standard input (repeatable)", ValueKind::text)
          .repeatable();
  const auto exec = flags.add_program("--exec", options.program.words,
                                      "join the connection to a program: `--exec -- PROGRAM ARG...`");
  const auto shell = flags.add_text("--sh", options.program.shell_command, "COMMAND",
                                    "join the connection to COMMAND, which a shell runs", ValueKind::text);
  flags.add_optional("--pass-fd", options.pass_to, "-", "unix:PATH",
                     "pass the open connection to another process, through the unix socket that is standard "
                     "output, or through the one at PATH",
                     ValueKind::endpoint);
  recv_only.excludes(send_only).excludes(line).excludes("--until");
  for (const auto program : {exec, shell})
    program.excludes(send_only).excludes(recv_only).excludes(line).excludes("--shutdown");
  shell.excludes(exec);
}

void add_filters(Flags& flags, ConversationOptions& options) {
  const HelpSection section(flags, "What happens to the bytes");
  flags.add_flag("--crlf", options.crlf, "send CRLF where the input has a bare LF");
  flags.add_duration("--line-delay", options.line_delay, "wait DURATION between the lines that are sent");
  flags.add_optional("--hexdump", options.hexdump, "-", "FILE",
                     "show every byte with direction, time and offset on standard error, "
                     "or in FILE (--hexdump=FILE)",
                     ValueKind::file);
  flags.add_file("--tee-in", options.tee_in, "also write what is received to FILE");
  flags.add_file("--tee-out", options.tee_out, "also write what is sent to FILE");
  flags.add_size("--rate", options.rate, "carry at most SIZE bytes a second in each direction");
}

void add_calls(Flags& flags, ConversationOptions& options, StreamOptions& stream) {
  const HelpSection section(flags, "Records and single calls");
  flags.add_choice("--type", stream.type, {{"stream", SOCK_STREAM}, {"seqpacket", SOCK_SEQPACKET}},
                   "the socket's type; seqpacket preserves the boundaries of records");
  const auto take_framing = [&options](const std::string& word) { options.framing = parse_framing(word); };
  flags
      .add_value("--framing", "line|size=N|len32|all", take_framing,
                 "how the input is divided into records (default: line; size=1400 for a regular file)",
                 ValueKind::choice)
      .choices(framing_words());
  flags.add_size("--max-record", options.max_record, "the largest record (default: 1Mi)");
  flags.add_size("--recv-once", options.recv_once,
                 "call recv(2) once, for SIZE bytes, and report its result");
  add_message_flags(flags, "--recv-flags", options.recv_flags, recv_flags(),
                    "flags of the call of --recv-once");
  flags.get("--recv-flags").needs("--recv-once");
  add_message_flags(flags, "--send-flags", options.send_flags, send_flags(), "flags of every send(2)");
}

}  // namespace

std::vector<Flag> add_conversation_flags(Flags& flags, ConversationOptions& options, StreamOptions& stream) {
  const auto first = static_cast<std::ptrdiff_t>(flags.all().size());
  add_ends(flags, options);
  add_directions(flags, options);
  add_filters(flags, options);
  add_calls(flags, options, stream);
  const auto all = flags.all();
  std::vector<Flag> declared(all.begin() + first, all.end());
  exclude_each(declared, flags.get("--pass-fd"));
  flags.exclude({"--crlf", "--line-delay", "--tee-out", "--send-flags"}, flags.get("--recv-only"));
  flags.exclude({"--max-bytes", "--tee-in", "--shutdown", "--recv-once"}, flags.get("--send-only"));
  flags.get("--max-bytes").excludes("--recv-once");
  return declared;
}

void exclude_each(const std::vector<Flag>& options, Flag other, const std::vector<std::string>& but) {
  for (const auto option : options)
    if (option != other && std::ranges::find(but, option.name()) == but.end()) option.excludes(other);
}

}  // namespace sockx

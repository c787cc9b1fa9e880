// The ends that are terminals: pty, pty:LINK, pty+sh:COMMAND, tty:DEVICE.
#include <unistd.h>

#include <filesystem>

#include "base/error.hpp"
#include "base/text.hpp"
#include "commands/ends/end_kind.hpp"
#include "commands/ends/foreign_end.hpp"

namespace sockx {

namespace {

void tell_pty(Context& context, const std::string& path, const std::string& link) {
  if (link.empty())
    context.log.info("terminal {}", path);
  else
    context.log.info("terminal {}, linked at {}", path, link);
  std::vector<Field> fields{{"path", path}};
  if (!link.empty()) fields.push_back({"link", link});
  context.report.event("pty", fields);
}

MakeEnd pty(std::string link) {
  return [link = std::move(link)](const EndSetup& setup) {
    const auto tell = [&context = setup.context, link](const std::string& path) {
      tell_pty(context, path, link);
    };
    return make_pty_end({link, tell});
  };
}

}  // namespace

ParsedEnd parse_pty_end(const std::string&, EndPlace) { return {.make = pty({})}; }

ParsedEnd parse_linked_pty_end(const std::string& link, EndPlace) {
  if (link.empty()) throw BadInput("'pty:': the path of the link is missing: say pty:LINK, or pty for none");
  return {.make = pty(link), .has_link = true};
}

ParsedEnd parse_terminal_shell_end(const std::string& command, EndPlace) {
  if (command.empty())
    throw BadInput("'pty+sh:': the command is missing: say pty+sh:COMMAND, like pty+sh:bash");
  const auto make = [command](const EndSetup& setup) {
    ProgramCall call;
    call.shell_command = command;
    call.has_terminal = true;
    if (setup.joins_user_to_terminal) call.window_of = isatty(STDIN_FILENO) ? STDIN_FILENO : STDOUT_FILENO;
    call.descriptor_limit = setup.program.descriptor_limit;
    return make_program_end(std::move(call));
  };
  return {.make = make, .has_terminal_program = true};
}

ParsedEnd parse_serial_end(const std::string& rest, EndPlace) {
  using Flow = SerialLine::Flow;
  SerialLine line;
  Flags options;
  options.add_number("--speed", line.speed, 1, 100'000'000, "bits a second");
  options.add_value(
      "--mode", "MODE", [&line](const std::string& word) { line.parse_mode(word); },
      "data bits, parity and stop bits, like 8N1", ValueKind::text);
  const std::vector<std::pair<std::string, Flow>> choices{
      {"none", Flow::none}, {"rtscts", Flow::rts_cts}, {"xonxoff", Flow::xon_xoff}};
  options.add_choice("--flow", line.flow, choices, "flow control");
  const auto path = take_end_options(rest, options);
  const auto comma = path.find(',');
  std::error_code ignored;
  if (comma != std::string::npos && !std::filesystem::exists(path, ignored)) {
    const auto known = ForeignEnd::serial(rest).word;
    if (known.find(',') == std::string::npos) refuse_unknown_options(path, options);
    throw BadInput(text("',{}': there is no such option here: say {}", path.substr(comma + 1), known));
  }
  if (path.empty()) throw BadInput("'tty:': the device is missing: say tty:DEVICE, like tty:/dev/ttyS0");
  return {.make = [path, line](const EndSetup&) { return make_serial_end(path, line); }};
}

}  // namespace sockx

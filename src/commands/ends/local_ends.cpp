// The ends on this host: the standard streams, programs and files.
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "commands/ends/end_kind.hpp"

namespace sockx {

namespace {

/// Throws BadInput for an empty one.
void check_path(std::string_view prefix, const std::string& path) {
  if (path.empty()) throw BadInput(text("'{0}': the path is missing: say {0}PATH", prefix));
}

}  // namespace

ParsedEnd parse_standard_end(const std::string&, EndPlace) {
  return {.make = [](const EndSetup& setup) { return make_standard_end(setup.joins_user_to_terminal); },
          .uses_standard_streams = true};
}

ParsedEnd parse_shell_end(const std::string& command, EndPlace) {
  if (command.empty()) throw BadInput("'sh:': the command is missing: say sh:COMMAND");
  const auto make = [command](const EndSetup& setup) {
    ProgramCall call;
    call.shell_command = command;
    call.descriptor_limit = setup.program.descriptor_limit;
    return make_program_end(std::move(call));
  };
  return {.make = make};
}

ParsedEnd parse_exec_end(const std::string&, EndPlace) {
  return {.make = [](const EndSetup& setup) { return make_program_end(setup.program); },
          .runs_given_program = true};
}

ParsedEnd parse_file_end(const std::string& path, EndPlace place) {
  check_path("file:", path);
  if (place == EndPlace::first) return {.make = [path](const EndSetup&) { return make_file_source(path); }};
  return {.make = [path](const EndSetup&) { return make_file_sink(path, FileMode::truncate); },
          .is_emptied = true};
}

ParsedEnd parse_append_end(const std::string& path, EndPlace place) {
  check_path("append:", path);
  if (place == EndPlace::first)
    throw BadInput(text("'append:{0}': it is only written: say it as the second end, - append:{0}", path));
  return {.make = [path](const EndSetup&) { return make_file_sink(path, FileMode::append); }};
}

}  // namespace sockx

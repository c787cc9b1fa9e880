// The script for fish.
#include "app/completion/fish_script.hpp"
#include "app/completion/model.hpp"
#include "base/text.hpp"

namespace sockx {

namespace {

constexpr std::string_view fish_head = R"(# fish completion for sockx, printed by `sockx completion fish`

)";

using Words = std::vector<std::string>;

std::string fish_quoted(std::string_view word) {
  std::string inside;
  for (const char letter : word) {
    if (letter == '\'' || letter == '\\') inside += '\\';
    inside += letter;
  }
  return text("'{}'", inside);
}

std::string variable(std::string_view name, const Words& words) {
  return text("set -g __sockx_{} {}\n", name, joined(words, " "));
}

/// What fish evaluates for the values, or nothing.
std::string values_of(ValueKind kind, const Words& choices) {
  switch (kind) {
    case ValueKind::choice:
      return joined(choices, " ");
    case ValueKind::list:
      return text("(__sockx_list {})", joined(choices, " "));
    case ValueKind::directory:
      return "(__fish_complete_directories (__sockx_typed))";
    case ValueKind::host:
    case ValueKind::file_or_host:
      return "(__fish_print_hostnames)";
    case ValueKind::service:
      return "(__sockx_names_in /etc/services)";
    case ValueKind::endpoint:
    case ValueKind::relay_end:
      return text("(__sockx_end {})", name_of(kind));
    case ValueKind::interface:
      return "(__fish_print_interfaces)";
    case ValueKind::protocol:
      return "(__sockx_names_in /etc/protocols)";
    case ValueKind::user:
      return "(__fish_complete_users)";
    case ValueKind::process:
      return "(__fish_complete_pids)";
    case ValueKind::congestion:
      return "(__sockx_congestion)";
    case ValueKind::socket_option:
      return "(__sockx_socket_option)";
    default:
      return "";
  }
}

bool takes_files(ValueKind kind) {
  return kind == ValueKind::file || kind == ValueKind::path || kind == ValueKind::file_or_host;
}

std::string value_arguments(ValueKind kind, const Words& choices, bool is_optional) {
  const auto values = values_of(kind, choices);
  std::string arguments = is_optional ? "" : takes_files(kind) ? " -r -F" : " -x";
  if (is_optional && takes_files(kind)) arguments += " -a '(__sockx_paths)'";
  if (!values.empty()) arguments += " -a " + fish_quoted(values);
  return arguments;
}

std::string option_lines(const Flags& flags, const std::string& condition) {
  std::string lines;
  for (const auto& row : flags.rows()) {
    lines += "complete -c sockx" + condition;
    for (const auto& name : row.names)
      lines += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
    if (row.kind != ValueKind::none) lines += value_arguments(row.kind, row.choices, row.is_optional);
    lines += text(" -d {}\n", fish_quoted(row.help));
  }
  return lines;
}

std::string word_lines(const CompletedCommand& command) {
  std::string lines;
  const auto& words = command.flags->words();
  for (std::size_t i = 0; i < words.kinds.size(); ++i) {
    const auto kind = words.kinds[i];
    const bool goes_on = i + 1 == words.kinds.size() && words.most > words.kinds.size();
    const auto values = values_of(kind, words.choices);
    if (values.empty() && !takes_files(kind)) continue;
    lines += text("complete -c sockx -n '__sockx_using {} {}{}'{}{}\n", command.name, i, goes_on ? " +" : "",
                  takes_files(kind) ? " -F" : "", values.empty() ? "" : " -a " + fish_quoted(values));
  }
  return lines;
}

/// The options whose value is another word.
Words valued(const Flags& flags) {
  Words names;
  for (const auto& row : flags.rows())
    if (row.kind != ValueKind::none && !row.is_optional)
      names.insert(names.end(), row.names.begin(), row.names.end());
  return names;
}

std::string variable_name(std::string name) {
  for (char& letter : name)
    if (letter == '-') letter = '_';
  return name;
}

}  // namespace

std::string fish_completion(const CompletionModel& model) {
  std::string script(fish_head);
  script += variable("end_prefixes", model.ends.all) + variable("path_prefixes", model.ends.paths) +
            variable("nested_prefixes", model.ends.nested) +
            variable("stream_options", model.stream_options.all()) +
            variable("any_options", model.any_options.all()) +
            variable("readable_options", model.readable_options.all()) +
            variable("valued_", valued(model.globals));
  for (const auto& command : model.commands)
    script += variable("valued_" + variable_name(command.name), valued(*command.flags));
  script += std::string(fish_script) + option_lines(model.globals, " -n 'not __sockx_in_program'");
  for (const auto& command : model.commands)
    script += text("complete -c sockx -n __sockx_needs_command -a {} -d {}\n", command.name,
                   fish_quoted(command.summary));
  for (const auto& command : model.commands)
    script +=
        option_lines(*command.flags, text(" -n '__sockx_using {}'", command.name)) + word_lines(command);
  return script;
}

}  // namespace sockx

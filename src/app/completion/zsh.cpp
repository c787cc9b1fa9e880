// The script for zsh: the specifications of _arguments(), which zsh completes by itself.
#include "app/completion/model.hpp"
#include "app/completion/zsh_script.hpp"
#include "base/shell_word.hpp"
#include "base/text.hpp"

namespace sockx {

namespace {

constexpr std::string_view zsh_head = R"(#compdef sockx
# zsh completion for sockx, printed by `sockx completion zsh`

)";

using Words = std::vector<std::string>;

std::string with_backslashes(std::string_view text, std::string_view special) {
  std::string safe;
  for (const char letter : text) {
    if (special.find(letter) != std::string_view::npos) safe += '\\';
    safe += letter;
  }
  return safe;
}

std::string array_of(std::string_view name, const Words& words) {
  return text("typeset -ga _sockx_{}=({})\n", name, joined(words, " ", in_single_quotes));
}

/// What completes a value; a blank where nothing does.
std::string action(ValueKind kind, const Words& choices) {
  const auto words = [&choices] { return with_backslashes(joined(choices, " "), ":"); };
  switch (kind) {
    case ValueKind::choice:
      return " _sockx_choice " + words();
    case ValueKind::list:
      return " _values -s , word " + words();
    case ValueKind::file:
    case ValueKind::path:
      return "_files";
    case ValueKind::directory:
      return "_files -/";
    case ValueKind::host:
      return "_hosts";
    case ValueKind::service:
      return "_ports";
    case ValueKind::endpoint:
    case ValueKind::relay_end:
      return " _sockx_end " + name_of(kind);
    case ValueKind::file_or_host:
      return " _sockx_file_or_host";
    case ValueKind::interface:
      return "_net_interfaces";
    case ValueKind::protocol:
      return " _sockx_protocol";
    case ValueKind::user:
      return "_users";
    case ValueKind::process:
      return "_pids";
    case ValueKind::congestion:
      return " _sockx_congestion";
    case ValueKind::socket_option:
      return " _sockx_socket_option";
    default:
      return " ";
  }
}

/// Names of options that exclude each other, in both directions.
Words excluded_by(const FlagRow& row, const Flags& flags) {
  Words names;
  for (const auto& other : flags.rows()) {
    bool excludes = false;
    for (const auto& name : row.excludes) excludes = excludes || other.has_name(name);
    for (const auto& name : other.excludes) excludes = excludes || row.has_name(name);
    if (excludes || (&other == &row && !row.is_repeatable))
      names.insert(names.end(), other.names.begin(), other.names.end());
  }
  return names;
}

/// "(-4)-6[use IPv6 only]"
std::string specification(const FlagRow& row, const std::string& name, const Words& excluded) {
  std::string spec = excluded.empty() ? "" : text("({})", joined(excluded, " "));
  if (row.is_repeatable) spec += '*';
  spec += name;
  if (row.kind != ValueKind::none) spec += name.size() == 2 ? "+" : row.is_optional ? "=-" : "=";
  spec += text("[{}]", with_backslashes(row.help, "\\[]:"));
  if (row.kind != ValueKind::none)
    spec += text(":{}{}:{}", row.is_optional ? ":" : "", with_backslashes(row.value_name, "\\:"),
                 action(row.kind, row.choices));
  return in_single_quotes(spec);
}

Words specifications(const Flags& flags) {
  Words all;
  for (const auto& row : flags.rows()) {
    const auto excluded = excluded_by(row, flags);
    for (const auto& name : row.names) all.push_back(specification(row, name, excluded));
  }
  return all;
}

/// Of the words that are no options.
Words word_specifications(const WordsRow& words) {
  Words all;
  for (std::size_t i = 0; i < words.kinds.size(); ++i) {
    const bool goes_on = i + 1 == words.kinds.size() && words.most > words.kinds.size();
    const auto kind = words.kinds[i];
    const auto place = goes_on && i > 0 ? "*" : goes_on ? "*" : std::to_string(i + 1);
    all.push_back(in_single_quotes(text("{}:{}:{}", place, name_of(kind), action(kind, words.choices))));
  }
  return all;
}

}  // namespace

std::string zsh_completion(const CompletionModel& model) {
  std::string script(zsh_head);
  Words summaries;
  for (const auto& command : model.commands)
    summaries.push_back(text("{}:{}", command.name, command.summary));
  script += array_of("commands", summaries) + array_of("end_prefixes", model.ends.all) +
            array_of("path_prefixes", model.ends.paths) + array_of("nested_prefixes", model.ends.nested) +
            array_of("stream_options", model.stream_options.all()) +
            array_of("any_options", model.any_options.all()) +
            array_of("readable_options", model.readable_options.all()) +
            text("typeset -ga _sockx_globals=(\n  {}\n)\n", joined(specifications(model.globals), "\n  "));
  for (const auto& command : model.commands) {
    auto all = specifications(*command.flags);
    const auto words = word_specifications(command.flags->words());
    all.insert(all.end(), words.begin(), words.end());
    script += text("\n_sockx_of_{}() {{\n  _arguments -s -S $_sockx_globals \\\n    {}\n}}\n", command.name,
                   joined(all, " \\\n    "));
  }
  return script + std::string(zsh_script);
}

}  // namespace sockx

// The script for bash. It needs no bash-completion, but asks that for hosts where it is loaded.
#include <algorithm>
#include <map>

#include "app/completion/bash_script.hpp"
#include "app/completion/model.hpp"
#include "base/shell_word.hpp"
#include "base/text.hpp"

namespace sockx {

namespace {

constexpr std::string_view bash_head = R"(# bash completion for sockx, printed by `sockx completion bash`
# shellcheck shell=bash disable=SC2034,SC2207

)";

using Words = std::vector<std::string>;

std::string assignment(std::string_view name, const Words& words) {
  return text("_sockx_{}={}\n", name, in_single_quotes(joined(words, " ")));
}

std::string assignment(std::string_view name, const OptionNames& options) {
  auto words = options.full;
  words.insert(words.end(), options.brief.begin(), options.brief.end());
  return assignment(name, words);
}

Words names_of(const Flags& flags) {
  Words names;
  for (const auto& row : flags.rows()) names.insert(names.end(), row.names.begin(), row.names.end());
  return names;
}

/// What a value is: the commands of a case.
std::string settings(ValueKind kind, const Words& choices, bool is_optional = false) {
  return text("kind='{}'{}{}", name_of(kind),
              choices.empty() ? "" : " choices=" + in_single_quotes(joined(choices, " ")),
              is_optional ? " optional=1" : "");
}

/// The function that says what the value of an option is.
std::string option_table(const CompletionModel& model) {
  std::map<std::string, std::map<std::string, std::string>> uses;  // of an option: by command, its settings
  const auto add = [&uses](const std::string& command, const Flags& flags) {
    for (const auto& row : flags.rows())
      for (const auto& name : row.names)
        uses[name][command] =
            row.kind == ValueKind::none ? "" : settings(row.kind, row.choices, row.is_optional);
  };
  add("", model.globals);
  for (const auto& command : model.commands) add(command.name, *command.flags);
  std::map<std::string, Words> patterns;  // by what they set
  for (const auto& [name, commands] : uses) {
    const auto& first = commands.begin()->second;
    const bool is_same = std::ranges::all_of(commands, [&](const auto& use) { return use.second == first; });
    if (is_same && !first.empty()) patterns[first].push_back(text("*' {}'", name));
    if (is_same) continue;
    for (const auto& [command, setting] : commands)
      if (!setting.empty()) patterns[setting].push_back(text("'{} {}'", command, name));
  }
  std::string table =
      "\n# Sets `kind`, `choices` and `optional` for the value of the option $2 of the subcommand $1.\n"
      "_sockx_option() {\n  kind='' optional=''\n  case \"$1 $2\" in\n";
  for (const auto& [setting, list] : patterns)
    table += text("    {}) {} ;;\n", joined(list, " | \\\n      "), setting);
  return table + "  esac\n}\n";
}

std::string options_table(const CompletionModel& model) {
  std::string table = "\n# Sets `options` to those of the subcommand $1.\n_sockx_options() {\n  case $1 in\n";
  for (const auto& command : model.commands)
    table += text("    {}) options={} ;;\n", command.name,
                  in_single_quotes(joined(names_of(*command.flags), " ")));
  return table + text("    *) options= ;;\n  esac\n  options+={}\n}}\n",
                      in_single_quotes(' ' + joined(names_of(model.globals), " ")));
}

std::string words_table(const CompletionModel& model) {
  std::string table =
      "\n# Sets `kind` and `choices` for the word number $2, from 0, of the subcommand $1.\n"
      "_sockx_word() {\n  kind=''\n  case \"$1 $2\" in\n";
  for (const auto& command : model.commands) {
    const auto& words = command.flags->words();
    for (std::size_t i = 0; i < words.kinds.size(); ++i) {
      const bool is_last = i + 1 == words.kinds.size();
      const auto which = is_last && words.most > words.kinds.size() ? "'*" : std::to_string(i) + "'";
      const auto kind = words.kinds[i];
      table += text("    '{} {}) {} ;;\n", command.name, which,
                    settings(kind, kind == ValueKind::choice ? words.choices : Words{}));
    }
  }
  return table + "  esac\n}\n";
}

}  // namespace

std::string bash_completion(const CompletionModel& model) {
  Words names;
  for (const auto& command : model.commands) names.push_back(command.name);
  return std::string(bash_head) + assignment("commands", names) + assignment("end_prefixes", model.ends.all) +
         assignment("path_prefixes", model.ends.paths) + assignment("nested_prefixes", model.ends.nested) +
         assignment("stream_options", model.stream_options) + assignment("any_options", model.any_options) +
         assignment("readable_options", model.readable_options) + option_table(model) + options_table(model) +
         words_table(model) + std::string(bash_script);
}

}  // namespace sockx

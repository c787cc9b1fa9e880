#include "app/completion/completion.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "app/command_line.hpp"
#include "app/completion/model.hpp"
#include "app/own_commands.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "commands/ends/end_kind.hpp"
#include "net/option/socket_option.hpp"

namespace sockx {

namespace {

struct Shell {
  const char* name;
  std::string (*script)(const CompletionModel&);
};
constexpr std::array shells{Shell{"bash", bash_completion}, Shell{"zsh", zsh_completion},
                            Shell{"fish", fish_completion}};

EndPrefixes end_prefixes() {
  EndPrefixes prefixes{{"unix:", "vsock:", "fd:"}, {"unix:", "fd:unix:"}, {}};
  for (const auto& kind : end_kinds()) {
    const std::string prefix(kind.prefix);
    if (prefix.empty()) continue;
    prefixes.all.push_back(prefix);
    const auto rest = kind.form.substr(prefix.size());
    if (rest == "PATH" || rest == "LINK" || rest == "DEVICE") prefixes.paths.push_back(prefix);
    if (rest == "ENDPOINT") prefixes.nested.push_back(prefix);
  }
  return prefixes;
}

void add(OptionNames& names, const SocketOption& option, bool for_stream) {
  names.full.emplace_back(option.name);
  auto brief = std::string(option.name.substr(option.name.find('_') + 1));
  for (char& letter : brief) letter = static_cast<char>(std::tolower(letter));
  try {
    if (&find_option(brief, for_stream) == &option) names.brief.push_back(brief);
  } catch (const BadInput&) {  // another one can be meant
  }
}

CompletionModel make_model() {
  CompletionModel model;
  GlobalOptions ignored;
  declare_global_flags(model.globals, ignored);
  for (const auto* command : all_commands()) {
    auto flags = std::make_unique<Flags>();
    auto run = command->declare(*flags);
    model.commands.push_back(
        {std::string(command->name), std::string(command->summary), std::move(flags), std::move(run)});
  }
  model.ends = end_prefixes();
  for (const auto& option : socket_options()) {
    if (option.is_readable()) add(model.readable_options, option, false);
    if (!option.is_writable()) continue;
    add(model.any_options, option, false);
    if (option.phase != SocketOption::Phase::none) add(model.stream_options, option, true);
  }
  return model;
}

}  // namespace

ValueKind kind_of_word(const WordsRow& words, std::size_t index) {
  if (index >= words.most || words.kinds.empty()) return ValueKind::none;
  return words.kinds[std::min(index, words.kinds.size() - 1)];
}

std::string name_of(ValueKind kind) {
  switch (kind) {
    case ValueKind::none:
      return "none";
    case ValueKind::text:
      return "text";
    case ValueKind::number:
      return "number";
    case ValueKind::duration:
      return "duration";
    case ValueKind::size:
      return "size";
    case ValueKind::choice:
      return "choice";
    case ValueKind::list:
      return "list";
    case ValueKind::file:
      return "file";
    case ValueKind::directory:
      return "directory";
    case ValueKind::path:
      return "path";
    case ValueKind::host:
      return "host";
    case ValueKind::service:
      return "service";
    case ValueKind::endpoint:
      return "endpoint";
    case ValueKind::file_or_host:
      return "file_or_host";
    case ValueKind::interface:
      return "interface";
    case ValueKind::protocol:
      return "protocol";
    case ValueKind::user:
      return "user";
    case ValueKind::process:
      return "process";
    case ValueKind::congestion:
      return "congestion";
    case ValueKind::socket_option:
      return "socket_option";
    case ValueKind::relay_end:
      return "relay_end";
  }
  return "";
}

std::vector<std::string> shell_names() {
  std::vector<std::string> names;
  names.reserve(shells.size());
  for (const auto& shell : shells) names.emplace_back(shell.name);
  return names;
}

std::string completion_script(const std::string& shell) {
  const auto* const found =
      std::ranges::find_if(shells, [&shell](const Shell& any) { return any.name == shell; });
  if (found == shells.end()) throw_bad_choice(shell, shell_names());
  return found->script(make_model());
}

}  // namespace sockx

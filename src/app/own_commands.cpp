#include "app/own_commands.hpp"

#include <algorithm>
#include <memory>
#include <span>

#include "app/command_line.hpp"
#include "app/completion/completion.hpp"
#include "app/manual.hpp"
#include "base/error.hpp"
#include "base/nearest.hpp"
#include "base/text.hpp"
#include "cli/context.hpp"
#include "cli/flags.hpp"
#include "cli/help_page.hpp"
#include "commands/commands.hpp"
#include "personalities/personality_commands.hpp"

namespace sockx {

namespace {

/// What `print` returns is printed when the command runs.
Run print_later(std::shared_ptr<std::string> page) {
  return [page = std::move(page)](Context&) {
    print_page(*page);
    return ExitCode::done;
  };
}

std::string page_about(const std::string& word) {
  if (find_command(word) != nullptr) return *CommandLine({word, "--help"}).parse();
  if (std::ranges::find(help_topics, word, &HelpTopic::name) != help_topics.end())
    return manual_section(word, page_width());
  auto names = command_names();
  for (const auto& topic : help_topics) names.emplace_back(topic.name);
  const auto similar = nearest(word, names);
  throw BadInput(
      text("'{}': no such subcommand or topic; {}", word,
           similar.empty() ? text("there are {}", joined(names)) : text("did you mean {}?", similar)));
}

Run declare_help(Flags& flags) {
  const auto page = std::make_shared<std::string>();
  const auto& words = flags.add_words(1, "[SUBCOMMAND|TOPIC]", {ValueKind::choice}, false);
  flags.words().choices = command_names();
  Flags::Forms forms{"Topics", {}};
  for (const auto& topic : help_topics) {
    flags.words().choices.emplace_back(topic.name);
    forms.rows.emplace_back(topic.name, topic.summary);
  }
  flags.set_forms(std::move(forms));
  flags.set_examples({{"sockx help connect", "the options of a subcommand"},
                      {"sockx help exit-status", "what the exit statuses mean"}});
  flags.when_read([&words, page] {
    *page = words.empty() ? *CommandLine({"--help"}).parse() : page_about(words.front());
  });
  return print_later(page);
}

Run declare_completion(Flags& flags) {
  const auto page = std::make_shared<std::string>();
  const auto& words = flags.add_words(1, "bash|zsh|fish", {ValueKind::choice});
  flags.words().choices = shell_names();
  flags.set_examples(
      {{"eval \"$(sockx completion bash)\"", "complete in this shell; for all shells, add it to ~/.bashrc"},
       {"source <(sockx completion zsh)", "the same in zsh, after compinit"},
       {"sockx completion fish | source", "the same in fish"}});
  flags.when_read([&words, page] { *page = completion_script(words.front()); });
  return print_later(page);
}

const std::array own_commands{
    Command{"help", "explain a subcommand, or a topic such as endpoints", declare_help},
    Command{"completion", "print a script that completes sockx in bash, zsh or fish", declare_completion},
};

}  // namespace

const std::array<HelpTopic, 6> help_topics{
    HelpTopic{"endpoints", "how to write addresses, ports and sockets"},
    HelpTopic{"values", "durations and sizes"},
    HelpTopic{"socket-options", "the socket options that --opt can set"},
    HelpTopic{"events", "the objects that --json and --events write"},
    HelpTopic{"environment", "the variables that sockx reads, and sets for programs"},
    HelpTopic{"exit-status", "the exit statuses of all subcommands"},
};

std::vector<const Command*> all_commands() {
  std::vector<const Command*> all;
  all.reserve(commands.size() + own_commands.size());
  for (const auto& command : commands) all.push_back(&command);
  for (const auto& command : personality_commands) all.push_back(&command);
  for (const auto& command : own_commands) all.push_back(&command);
  return all;
}

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const auto* command : all_commands()) names.emplace_back(command->name);
  return names;
}

const Command* find_command(std::string_view name) {
  for (const auto& table :
       {std::span<const Command>(commands), std::span<const Command>(personality_commands),
        std::span<const Command>(own_commands)})
    for (const auto& command : table)
      if (command.name == name) return &command;
  return nullptr;
}

bool has_page(const Command& command) {
  return std::ranges::find(own_commands, command.name, &Command::name) == own_commands.end();
}

}  // namespace sockx

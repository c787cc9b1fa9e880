#include "personalities/personality_commands.hpp"

#include <memory>
#include <string>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/flags.hpp"
#include "personalities/nc_options.hpp"

namespace sockx {

namespace {

ValueKind kind_of(char letter) {
  switch (letter) {
    case 'P':
      return ValueKind::user;
    case 'p':
      return ValueKind::service;
    case 's':
      return ValueKind::host;
    case 'x':
      return ValueKind::endpoint;
    default:
      return ValueKind::number;
  }
}

/// The letters are read by getopt(3): here they are only shown.
Run declare_nc(Flags& flags) {
  flags.add_word_list("[HOST] [PORT...]", {ValueKind::endpoint}, false);
  const auto proxy_kind = std::make_shared<int>();
  for (const auto& [letter, value, help] : nc_letters()) {
    const auto name = text("-{}", letter);
    if (letter == 'X')
      flags.add_choice(name, *proxy_kind, {{"4", 4}, {"5", 5}, {"connect", 0}}, help);
    else if (*value == '\0')
      flags.add_flag(
          name, [] {}, help);
    else
      flags.add_value(
          name, value, [](const std::string&) {}, help, kind_of(letter));
  }
  flags.set_examples({{"sockx nc -zv example.com 20-30", "which of these ports are open"},
                      {"sockx nc -l -p 5678 > received", "receive a file"},
                      {"ln -s sockx nc; ./nc -N example.com 5678 < file", "a program called nc is nc"}});
  flags.when_read([] { throw BadInput("nc: it is the first word: `sockx nc ...`, and its letters follow"); });
  return [proxy_kind](Context&) { return ExitCode::usage; };
}

Run declare_explain(Flags& flags) {
  flags.add_word_list("nc ARG...", {ValueKind::text}, false);
  flags.set_examples({{"sockx explain nc -zv example.com 20-30", "the same as a command of sockx"}});
  flags.when_read([] {
    throw BadInput("explain: say the command line of nc to be explained: `sockx explain nc -l 5678`");
  });
  return [](Context&) { return ExitCode::usage; };
}

}  // namespace

const std::array<Command, 2> personality_commands{
    Command{"nc", "do what OpenBSD's nc does, with its options and messages", declare_nc},
    Command{"explain", "print the sockx command that is equivalent to an nc command", declare_explain},
};

}  // namespace sockx

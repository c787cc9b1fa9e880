// The scripts of `sockx completion`, in the shells that they are for.
#include <algorithm>
#include <map>
#include <set>

#include "../support/sockx.hpp"
#include "../support/terminal.hpp"
#include "app/command_line.hpp"
#include "app/own_commands.hpp"
#include "cli/flags.hpp"

using namespace sockx;
using namespace test;

namespace {

using Words = std::vector<std::string>;

/// What is typed after `sockx`, and what the last word becomes: one or several words.
struct Case {
  std::string typed;
  Words offered;
};

Words split(const std::string& line) {
  std::istringstream stream(line);
  return {std::istream_iterator<std::string>(stream), {}};
}

/// Sorted, and without the slash behind a directory, which not every way to ask shows.
Words comparable(Words words) {
  for (auto& word : words)
    if (word.ends_with('/')) word.pop_back();
  std::ranges::sort(words);
  return words;
}

std::vector<Case> cases() {
  auto algorithms = split(read_file("/proc/sys/net/ipv4/tcp_available_congestion_control"));
  return {
      {"lis", {"listen"}},
      {"co", {"completion", "connect"}},
      {"-v --log-level=w", {"--log-level=warn"}},
      {"--log-file notes.txt recv", {"recv-file"}},
      {"connect --unt", {"--until"}},
      {"connect --until ", {"both", "either", "local", "peer"}},
      {"connect --until=l", {"--until=local"}},
      {"relay --until ", {"a", "b", "both", "either"}},
      {"connect -v --colo", {"--color"}},
      {"connect -w 5 --opt TCP_NODEL", {"TCP_NODELAY="}},
      {"connect --opt=nodel", {"--opt=nodelay="}},
      {"udp --opt UDP_SEG", {"UDP_SEGMENT="}},
      {"connect --congestion ", algorithms},
      {"connect --interface l", {"lo"}},
      {"connect --recv-flags peek,w", {"peek,waitall"}},
      {"connect --hexdump=not", {"--hexdump=notes.txt"}},
      {"connect localhost http-", {"http-alt"}},
      {"connect unix:not", {"unix:notes.txt"}},
      {"connect --proxy socks5h", {"socks5h://"}},
      {"listen --exec -- lslock", {"lslocks"}},
      {"recv-file -o not", {"notes.txt"}},
      {"recv-file --output=not", {"--output=notes.txt"}},
      {"recv-file --output-dir n", {"north"}},
      {"send-file n", {"north", "notes.txt"}},
      {"send-file north not", {"notes.txt"}},
      {"relay lis", {"listen:"}},
      {"relay listen:un", {"listen:unix:"}},
      {"relay - file:not", {"file:notes.txt"}},
      {"raw icm", {"icmp"}},
      {"sockopt ", {"get", "list", "set"}},
      {"sockopt get TCP_INF", {"TCP_INFO"}},
      {"sockopt set nodel", {"nodelay="}},
      {"getaddrinfo --flags AI_PASSIVE,AI_CANONN", {"AI_PASSIVE,AI_CANONNAME"}},
      {"getaddrinfo --socktype d", {"dccp", "dgram"}},
      {"byteorder hton", {"htonl", "htonll", "htons"}},
      {"help exit", {"exit-status"}},
      {"completion ", {"bash", "fish", "zsh"}},
  };
}

/// A folder with something to complete, and the script of the shell under the name that it is installed by.
class Place {
 public:
  Place(const std::string& shell, const std::string& name) {
    write_file(folder_ / "notes.txt", "");
    write_file(folder_ / "two words", "");
    fs::create_directory(folder_.path() + "/north");
    fs::create_directory(folder_.path() + "/functions");
    write_file(script(name), run(test::sockx({"completion", shell})));
  }
  std::string script(const std::string& name) const { return folder_.path() + "/functions/" + name; }
  std::string path() const { return folder_.path(); }

 private:
  Folder folder_;
};

/// An interactive shell that prints the words of a command line after the key has put all completions into
/// it.
class InteractiveShell {
 public:
  InteractiveShell(Words words, const std::string& setup, const std::string& folder, std::string key)
      : key_(std::move(key)),
        shell_(Words{"setsid", "--ctty", "--wait"} + words,
               {.in = terminal_.stream(),
                .out = terminal_.stream(),
                .err = terminal_.stream(),
                .environment = {"TERM=dumb", "HISTFILE=", "INPUTRC=/dev/null"},
                .folder = folder}) {
    terminal_.type(setup + "\nprintf 'ready%s\\n' .\n");
    terminal_.shown_with("ready.");
  }
  /// All words of the line, `sockx` left out.
  Words completed(const std::string& typed) {
    terminal_.forget();
    terminal_.type("sockx " + typed + key_ + "\n");
    const auto& shown = terminal_.shown_with("<end>");
    INFO(shown);
    const auto begin = shown.find("<begin>");
    REQUIRE(begin != std::string::npos);
    Words words;
    std::istringstream all(shown.substr(begin, shown.find("<end>") - begin));
    for (std::string word; std::getline(all, word, '|');) words.push_back(word);
    words.erase(words.begin());
    return words;
  }
  void check(const Case& any) {
    auto typed = split(any.typed);
    if (!any.typed.ends_with(' ')) typed.pop_back();
    auto words = completed(any.typed);
    CAPTURE(any.typed);
    CAPTURE(joined(words, " "));
    REQUIRE(words.size() >= typed.size());
    const auto first = words.begin() + static_cast<std::ptrdiff_t>(typed.size());
    CHECK(Words(words.begin(), first) == typed);
    CHECK(comparable({first, words.end()}) == comparable(any.offered));
  }

 private:
  std::string key_;
  Terminal terminal_{200};
  Process shell_;
};

constexpr const char* printer = "sockx() { printf '%s|' '<begin>' \"$@\" '<end>'; echo; }";

}  // namespace

TEST_CASE("completion: bash completes the command line, with bash-completion and without") {
  const Place place("bash", "sockx");
  const std::string library = "/usr/share/bash-completion/bash_completion";
  for (const bool has_library : {false, true}) {
    if (has_library && !fs::exists(library)) continue;
    CAPTURE(has_library);
    const std::string source = has_library ? "source " + library + "; " : "";
    InteractiveShell shell({"bash", "--norc", "--noprofile", "-i"},
                           source + "PS1=; source functions/sockx; " + printer, place.path(), "\x1b*");
    for (const auto& any : cases()) shell.check(any);
    shell.check({"connect localhos", {"localhost"}});
    for (const std::string begun : {"tw", "two\\ w", "\"two w", "'two w"}) {
      CAPTURE(begun);
      CHECK(shell.completed("send-file " + begun) == Words{"send-file", "two words"});
    }
  }
}

TEST_CASE("completion: the script for bash is clean for shellcheck") {
  if (is_missing("shellcheck")) return;
  const Place place("bash", "sockx");
  Process shellcheck({"shellcheck", place.script("sockx")});
  check_end(shellcheck, exited(0));
  CHECK(shellcheck.out().empty());
}

TEST_CASE("completion: zsh completes the command line, and offers no option that excludes a typed one") {
  if (is_missing("zsh")) return;
  const Place place("zsh", "_sockx");
  const std::string setup =
      "PS1= PROMPT_EOL_MARK=; unsetopt prompt_sp; fpath=($PWD/functions $fpath); autoload -Uz compinit; "
      "compinit -C -D; every() { _main_complete; compstate[insert]=all }; zle -C every complete-word every; "
      "bindkey '^T' every; ";
  InteractiveShell shell({"zsh", "-f", "-i"}, setup + printer, place.path(), "\x14");
  for (const auto& any : cases()) shell.check(any);
  shell.check({"connect localhos", {"localhost"}});
  CHECK(shell.completed("send-file tw") == Words{"send-file", "two words"});
  const auto offered = shell.completed("listen -4 -");
  CHECK(std::ranges::count(offered, "--numeric") == 1);
  CHECK(std::ranges::count(offered, "-6") == 0);
}

TEST_CASE("completion: fish completes the command line") {
  if (is_missing("fish")) return;
  const Place place("fish", "sockx.fish");
  std::string script = "source functions/sockx.fish\n";
  for (const auto& any : cases())
    script += "echo '>' '" + any.typed + "'\ncomplete -C 'sockx " + any.typed + "'\n";
  const auto lines = lines_of(run({"fish", "--no-config", "-c", script},
                                  {.environment = {"HOME=" + place.path()}, .folder = place.path()}));
  std::map<std::string, Words> offered;
  std::string typed;
  for (const auto& line : lines)
    if (line.starts_with("> "))
      typed = line.substr(2);
    else
      offered[typed].push_back(line.substr(0, line.find('\t')));
  for (const auto& any : cases()) {
    CAPTURE(any.typed);
    CHECK(comparable(offered[any.typed]) == comparable(any.offered));
  }
}

// An option whose value could be completed must say so, when it is declared, by its ValueKind.
TEST_CASE("completion: every value has a kind that a shell completes, except these") {
  const std::set<std::string> free_texts{"--sh",   "--line",    "--name",        "--mode",
                                         "--join", "--tls-pin", "--tls-ciphers", "--proxy-auth",
                                         "--rate", "--sizes",   "--chunks",      "-T"};
  const auto check = [&](std::string_view command, const Flags& flags) {
    for (const auto& row : flags.rows()) {
      CAPTURE(command);
      CAPTURE(row.name());
      const bool has_choices = row.kind == ValueKind::choice || row.kind == ValueKind::list;
      CHECK(row.choices.empty() != has_choices);
      CHECK((row.kind == ValueKind::none) == row.value_name.empty());
      if (row.kind == ValueKind::text) CHECK(free_texts.contains(row.name()));
    }
    const auto& words = flags.words();
    CHECK((words.most == 0) == words.kinds.empty());
    const bool has_choice = std::ranges::count(words.kinds, ValueKind::choice) > 0;
    CHECK(words.choices.empty() != has_choice);
  };
  GlobalOptions globals;
  Flags global_flags;
  declare_global_flags(global_flags, globals);
  check("", global_flags);
  for (const auto* command : all_commands()) {
    Flags flags;
    const auto keeps_targets = command->declare(flags);
    check(command->name, flags);
  }
}

TEST_CASE("completion: another shell is a usage error that names those that there are") {
  Process process(test::sockx({"completion", "tcsh"}));
  check_failure(process, 2, "'tcsh': say bash, zsh or fish");
}

#include "commands/ends/end_kind.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/words.hpp"
#include "cli/exit_code.hpp"

namespace sockx {

namespace {

constexpr std::array kinds{
    EndKind{"-", "-", "standard input and output", parse_standard_end},
    EndKind{"tls:", "tls:ENDPOINT", "the same as ENDPOINT, over TLS", parse_tls_end},
    EndKind{"listen:", "listen:ENDPOINT", "accept a connection at ENDPOINT; over TLS: listen:tls:ENDPOINT",
            parse_listened_end},
    EndKind{"sh:", "sh:COMMAND", "a command that a shell runs", parse_shell_end},
    EndKind{"exec", "exec", "the program after `--`", parse_exec_end},
    EndKind{"pty", "pty", "a new pseudo-terminal for another program; its path is logged", parse_pty_end},
    EndKind{"pty:", "pty:LINK",
            "the same, with a symbolic link at LINK; programs can open it one after another",
            parse_linked_pty_end},
    EndKind{"pty+sh:", "pty+sh:COMMAND", "a command that a shell runs on its own terminal",
            parse_terminal_shell_end},
    EndKind{"tty:", "tty:DEVICE", "a serial line; options: speed=115200, mode=8N1, flow=none|rtscts|xonxoff",
            parse_serial_end},
    EndKind{"file:", "file:PATH",
            "as A, a file to read; as B, a file to write, which is created or truncated", parse_file_end},
    EndKind{"append:", "append:PATH", "a file to append to, only as B", parse_append_end},
    EndKind{"", "ENDPOINT", "a connection to HOST:PORT, unix:PATH, vsock:CID:PORT, or the socket fd:N",
            parse_dialed_end},
};

const EndKind& kind_of(const std::string& word) {
  const auto is_named = [&word](const EndKind& kind) {
    return kind.prefix.ends_with(':') ? word.starts_with(kind.prefix)
                                      : kind.prefix.empty() || word == kind.prefix;
  };
  return *std::ranges::find_if(kinds, is_named);
}

/// ",NAME=" in a word.
struct OptionMark {
  std::size_t at, value;
  const FlagRow* row;
};

std::string name_in_word(const FlagRow& row) {
  for (const std::string_view dashes : {"--tls-", "--"})
    if (row.name().starts_with(dashes)) return row.name().substr(dashes.size());
  return row.name();
}

std::vector<OptionMark> find_options(const std::string& words, const Flags& options) {
  std::vector<OptionMark> marks;
  for (auto at = words.find(','); at != std::string::npos; at = words.find(',', at + 1))
    for (const auto& row : options.rows()) {
      if (row.name() == "--tls") continue;  // that is said by the prefix
      const auto mark = text(",{}=", name_in_word(row));
      if (words.compare(at, mark.size(), mark) == 0) marks.push_back({at, at + mark.size(), &row});
    }
  return marks;
}

/// The message about a part of the word, with the options by the names that they have there.
std::string quoting(const std::string& word, std::string said) {
  constexpr std::string_view dashes = "--tls-";
  for (auto at = said.find(dashes); at != std::string::npos; at = said.find(dashes))
    said.erase(at, dashes.size());
  return said.starts_with(text("'{}'", word)) ? said : text("'{}': {}", word, said);
}

void take_option(const FlagRow& row, const std::string& value) {
  const auto name = name_in_word(row);
  try {
    if (row.kind != ValueKind::none) return row.take(value);
    if (value != "yes" && value != "no") throw BadInput(text("'{}': say yes or no", value));
    if (value == "yes") row.take("");
  } catch (const BadInput& error) {
    std::string what = error.what();
    if (what.starts_with(row.name())) what.erase(0, row.name().size() + 2);
    throw BadInput(text("{}={}", name, what));
  }
}

}  // namespace

std::span<const EndKind> end_kinds() { return kinds; }

ParsedEnd parse_end(const std::string& word, EndPlace place) {
  const auto& kind = kind_of(word);
  try {
    return kind.parse(word.substr(kind.prefix.size()), place);
  } catch (const BadInput&) {
    throw BadInput(quoting(word, describe_failure(std::current_exception()).message));
  }
}

void check_end_of_many(const ParsedEnd& end, const std::string& word) {
  if (end.uses_standard_streams)
    throw BadInput("'-': with --keep-open each client has an end of its own: use `sockx listen --keep-open`");
  if (end.listened) throw BadInput(text("'{}': with --keep-open only A listens: say ENDPOINT", word));
  if (end.has_link)
    throw BadInput(
        text("'{0}': with --keep-open each client has a terminal of its own: say pty; for one virtual serial "
             "line say `sockx relay {0} listen:PORT`",
             word));
  if (end.is_emptied)
    throw BadInput(text("'{0}': with --keep-open each client would empty the file: say append:{1}", word,
                        word.substr(word.find(':') + 1)));
}

std::string form_of_end(const std::string& word) {
  for (const auto& kind : kinds)
    if (kind.prefix.ends_with(':') && kind.prefix.substr(0, kind.prefix.size() - 1) == word)
      return std::string(kind.form);
  return is_among(word, "unix vsock fd") ? text("{}:{}", word,
                                                word == "unix"    ? "PATH"
                                                : word == "vsock" ? "CID:PORT"
                                                                  : "N")
                                         : "";
}

bool has_prefix_of_end(const std::string& word) { return !kind_of(word).prefix.empty(); }

void refuse_unknown_options(const std::string& left, const Flags& options) {
  const auto comma = left.find(',');
  if (comma == std::string::npos) return;
  const auto typed = left.substr(comma + 1);
  auto name = typed.substr(0, typed.find_first_of("=,"));
  if (name.starts_with("tls-")) name.erase(0, 4);
  std::vector<std::string> names;
  for (const auto& row : options.rows())
    if (row.name() != "--tls") names.push_back(name_in_word(row));
  if (std::ranges::find(names, name) != names.end())
    throw BadInput(text("',{}': an option is NAME=VALUE: say ,{}={}", typed, name,
                        name == "insecure" ? "yes" : "VALUE"));
  if (names.empty()) throw BadInput(text("',{}': this end has no options: leave it out", typed));
  throw BadInput(text("',{}': there is no such option here; there are {}", typed, joined(names, ", ")));
}

std::string take_end_options(const std::string& words, Flags& options) {
  const auto marks = find_options(words, options);
  auto left = marks.empty() ? words : words.substr(0, marks.front().at);
  for (auto mark = marks.begin(); mark != marks.end(); ++mark) {
    const auto is_same = [row = mark->row](const OptionMark& other) { return other.row == row; };
    if (std::find_if(marks.begin(), mark, is_same) != mark)
      throw BadInput(text("{} is given more than once", name_in_word(*mark->row)));
    const auto next = std::next(mark);
    const auto end = next == marks.end() ? words.size() : next->at;
    take_option(*mark->row, words.substr(mark->value, end - mark->value));
  }
  return left;
}

}  // namespace sockx

#include "nc_table.hpp"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstdio>
#include <map>
#include <stdexcept>

#include "../support/files.hpp"

namespace test {

namespace {

struct Token {
  std::string text;
  bool is_quoted = false;
};

char escaped(const std::string& text, std::size_t& at) {
  switch (const char letter = text.at(at++); letter) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'x': {
      const auto code = std::stoi(text.substr(at, 2), nullptr, 16);
      at += 2;
      return static_cast<char>(code);
    }
    default:
      return letter;
  }
}

/// Words, what stands in quotes as one, and each | and ; as one of its own.
std::vector<Token> tokens_of(const std::string& line) {
  std::vector<Token> tokens;
  for (std::size_t at = 0; at < line.size();) {
    if (line[at] == ' ') {
      ++at;
    } else if (line[at] == '|' || line[at] == ';') {
      tokens.push_back({std::string(1, line[at++]), false});
    } else if (line[at] == '"') {
      Token token{"", true};
      for (++at; line.at(at) != '"';) {
        if (line[at] == '\\')
          token.text += escaped(line, ++at);
        else
          token.text += line[at++];
      }
      ++at;
      tokens.push_back(token);
    } else {
      const auto end = std::min(line.find_first_of(" ;", at), line.size());
      tokens.push_back({line.substr(at, end - at), false});
      at = end;
    }
  }
  return tokens;
}

bool is(const Token& token, const char* text) { return !token.is_quoted && token.text == text; }

/// As many parts as there are between the separators, and one more.
std::vector<std::vector<Token>> split(const std::vector<Token>& tokens, const char* separator) {
  std::vector<std::vector<Token>> parts(1);
  for (const auto& token : tokens) {
    if (is(token, separator))
      parts.emplace_back();
    else
      parts.back().push_back(token);
  }
  return parts;
}

NcInput input_of(const std::vector<Token>& tokens) {
  using Kind = NcInput::Kind;
  if (tokens.empty()) throw std::runtime_error("no input");
  const auto& first = tokens.front();
  if (first.is_quoted) return {Kind::text, first.text, tokens.size() > 1 && is(tokens[1], "+")};
  if (is(first, "noise"))
    return {Kind::text, noise(std::stoul(tokens.at(1).text)), tokens.size() > 2 && is(tokens[2], "+")};
  if (is(first, "file") && is(tokens.at(1), "noise"))
    return {Kind::file, noise(std::stoul(tokens.at(2).text)), false};
  if (is(first, "file")) return {Kind::file, tokens.at(1).text};
  static const std::map<std::string, Kind> kinds{
      {"null", Kind::null}, {"open", Kind::open}, {"closed", Kind::closed}};
  return {kinds.at(first.text), "", false};
}

class Reader {
 public:
  NcTable read(const std::string& path) {
    std::ifstream file(path);
    if (!file) throw std::runtime_error("cannot read " + path);
    for (std::string line; std::getline(file, line);) {
      ++number_;
      if (line.empty() || line.front() == '#') continue;
      try {
        read_line(line);
      } catch (const std::exception& error) {
        throw std::runtime_error(path + ", line " + std::to_string(number_) + ": " + error.what());
      }
    }
    return std::move(table_);
  }

 private:
  static std::string after(const std::string& line, const std::string& word) {
    return line.substr(word.size());
  }

  /// "NAME: TEXT"
  static std::pair<std::string, std::string> named(const std::string& text) {
    const auto colon = text.find(": ");
    if (colon == std::string::npos) throw std::runtime_error("no colon");
    return {text.substr(0, colon), text.substr(colon + 2)};
  }

  NcDifference difference_of(const std::string& text) const {
    auto [name, shows] = named(text);
    if (std::none_of(table_.reasons.begin(), table_.reasons.end(),
                     [&, &known = name](const NcReason& reason) { return reason.name == known; }))
      throw std::runtime_error("no reason " + name);
    const std::string arrow = " => ";
    const auto at = shows.find(arrow);
    if (at == std::string::npos) return {std::move(name), std::move(shows), false, "", true};
    return {std::move(name), shows.substr(0, at), true, shows.substr(at + arrow.size()), true};
  }

  void read_line(const std::string& line) {
    if (line.starts_with("reason ")) {
      auto [name, sentence] = named(after(line, "reason "));
      table_.reasons.push_back({std::move(name), std::move(sentence)});
    } else if (line.starts_with("peer ")) {
      auto [name, script] = named(after(line, "peer "));
      peers_[name] = tokens_of(script);
    } else if (line.starts_with("  differs ")) {
      table_.rows.back().differences.push_back(difference_of(after(line, "  differs ")));
    } else if (line.starts_with("  may differ ")) {
      table_.rows.back().differences.push_back(difference_of(after(line, "  may differ ")));
      table_.rows.back().differences.back().is_certain = false;
    } else if (line == "  explained") {
      table_.rows.back().is_explained = true;
    } else if (line.starts_with("everywhere ")) {
      table_.everywhere.push_back(difference_of(after(line, "everywhere ")));
    } else {
      read_row(line);
    }
  }

  void read_row(const std::string& line) {
    const auto columns = split(tokens_of(line), "|");
    if (columns.size() != 3) throw std::runtime_error("not three columns");
    NcRow row{.line = number_,
              .text = line,
              .words = {},
              .input = {},
              .steps = {},
              .differences = {},
              .is_explained = false};
    for (const auto& token : columns[0]) row.words.push_back(token.text);
    row.input = input_of(columns[1]);
    add_steps(columns[2], row.steps);
    table_.rows.push_back(std::move(row));
  }

  /// A step whose verb is the name of a peer stands for the steps of that peer.
  void add_steps(const std::vector<Token>& tokens, std::vector<Step>& steps) {
    for (const auto& part : split(tokens, ";")) {
      if (part.empty()) continue;
      const auto& verb = part.front().text;
      if (const auto peer = peers_.find(verb); peer != peers_.end()) {
        add_steps(peer->second, steps);
        continue;
      }
      Step step{verb, {}};
      for (std::size_t i = 1; i < part.size(); ++i) step.words.push_back(part[i].text);
      steps.push_back(std::move(step));
    }
  }

  int number_ = 0;
  NcTable table_;
  std::map<std::string, std::vector<Token>> peers_;
};

}  // namespace

NcTable read_nc_table(const std::string& path) { return Reader().read(path); }

std::string quoted(const std::string& text) {
  char code[32];
  if (text.size() > 2000) {
    std::uint64_t sum = 0;
    for (const char letter : text) sum = sum * 31 + static_cast<unsigned char>(letter);
    std::snprintf(code, sizeof code, "%016llx", static_cast<unsigned long long>(sum));
    return std::to_string(text.size()) + " bytes with the checksum " + code;
  }
  std::string result = "\"";
  for (const char letter : text) {
    if (letter == '\n') {
      result += "\\n";
    } else if (letter == '\r') {
      result += "\\r";
    } else if (letter == '\t') {
      result += "\\t";
    } else if (letter == '"' || letter == '\\') {
      result += '\\';
      result += letter;
    } else if (std::isprint(static_cast<unsigned char>(letter)) == 0) {
      std::snprintf(code, sizeof code, "\\x%02x", static_cast<unsigned char>(letter));
      result += code;
    } else {
      result += letter;
    }
  }
  return result + '"';
}

}  // namespace test

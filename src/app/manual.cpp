#include "app/manual.hpp"

#include <algorithm>
#include <array>
#include <sstream>
#include <stdexcept>
#include <utility>
#include <vector>

#include "app/manual_page.hpp"
#include "base/named_numbers.hpp"
#include "base/text.hpp"
#include "base/words.hpp"
#include "base/wrapped.hpp"

namespace sockx {

namespace {

constexpr char unbreakable_blank = '\x01';  // until the lines are made

struct Enclosing {
  std::string_view macro, open, close;
};
/// What encloses the rest of its line.
constexpr std::array enclosings{Enclosing{"Pq", "(", ")"},   Enclosing{"Ql", "'", "'"},
                                Enclosing{"Sq", "'", "'"},   Enclosing{"Dq", "\"", "\""},
                                Enclosing{"Qq", "\"", "\""}, Enclosing{"Op", "[", "]"}};
struct Bracket {
  std::string_view macro, bracket;
};
constexpr std::array brackets{Bracket{"Po", "("}, Bracket{"Pc", ")"}, Bracket{"Oo", "["}, Bracket{"Oc", "]"}};

bool is_macro(const std::string& word) {
  constexpr std::string_view plain = "Ar Cm Dv Er Ev Em Fl Li Nm No Ns Pa Sx Sy Va Vt Xr";
  return is_among(word, plain) ||
         std::ranges::find(enclosings, word, &Enclosing::macro) != enclosings.end() ||
         std::ranges::any_of(brackets, [&](const Bracket& any) { return any.macro == word; });
}

bool is_closing(const std::string& word) {
  return word.size() == 1 && std::string_view(".,:;?!)]").find(word[0]) != std::string_view::npos;
}
bool is_opening(const std::string& word) { return word == "(" || word == "["; }

std::string without_escapes(std::string_view source) {
  std::string plain;
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\\' || i + 1 == source.size()) {
      plain += source[i];
      continue;
    }
    const char letter = source[++i];
    if (letter == 'e') plain += '\\';
    if (letter == '-') plain += '-';
    if (letter == ' ') plain += unbreakable_blank;
  }
  return plain;
}

/// The words of a macro's line.
std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> words;
  std::string word;
  bool is_quoted = false, has_word = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') {
      is_quoted = !is_quoted;
      has_word = true;
    } else if (line[i] == ' ' && !is_quoted) {
      if (has_word) words.push_back(std::exchange(word, ""));
      has_word = false;
    } else {
      word += line[i];
      has_word = true;
      if (line[i] == '\\' && i + 1 < line.size()) word += line[++i];
    }
  }
  if (has_word) words.push_back(word);
  return words;
}

/// Words that follow each other on a line, with the blanks between them.
class Inline {
 public:
  void add(std::string_view word) {
    if (!text_.empty() && !joins_) text_ += ' ';
    text_ += word;
    joins_ = false;
  }
  void join() { joins_ = true; }
  void add_closing(std::string_view word) {
    join();
    add(word);
  }
  void add_opening(std::string_view word) {
    add(word);
    join();
  }
  bool ends_with_open() const { return joins_; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  bool joins_ = false;
};

/// What the words of a macro's line say.
void add_words(Inline& out, std::vector<std::string> words) {
  std::string macro = "No";
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto& word = words[i];
    const auto* const enclosing = std::ranges::find(enclosings, word, &Enclosing::macro);
    if (enclosing != enclosings.end()) {
      auto end = words.size();
      while (end > i + 1 && is_closing(words[end - 1])) --end;
      Inline inner;
      add_words(inner, {words.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                        words.begin() + static_cast<std::ptrdiff_t>(end)});
      out.add(text("{}{}{}", enclosing->open, inner.text(), enclosing->close));
      macro = "No";
      i = end - 1;
      continue;
    }
    const auto* const bracket = std::ranges::find(brackets, word, &Bracket::macro);
    if (bracket != brackets.end()) {
      word.ends_with('o') ? out.add_opening(bracket->bracket) : out.add_closing(bracket->bracket);
      macro = "No";
    } else if (word == "Ns") {
      out.join();
      macro = "No";
    } else if (is_macro(word)) {
      macro = word;
      const bool has_name = i + 1 < words.size() && !is_macro(words[i + 1]) && !is_closing(words[i + 1]);
      if (macro == "Nm" && !has_name) out.add("sockx");
    } else if (is_closing(word)) {
      out.add_closing(word);
    } else if (is_opening(word)) {
      out.add_opening(word);
    } else if (macro == "Xr" && i + 1 < words.size()) {
      out.add(text("{}({})", word, words[++i]));
      macro = "No";
    } else {
      out.add((macro == "Fl" ? "-" : "") + without_escapes(word));
    }
  }
}

/// Paragraphs and lists.
class Renderer {
 public:
  explicit Renderer(std::size_t width) : width_(width) {}

  void add(const std::string& line) {
    if (!line.starts_with('.')) return add_to_paragraph(without_escapes(line));
    auto words = split(line.substr(1));
    const auto macro = words.empty() ? "" : words.front();
    if (macro == "Pp") {
      flush();
      wants_gap_ = true;
    } else if (macro == "Bl") {
      begin_list(words);
    } else if (macro == "El") {
      flush();
      lists_.pop_back();
      wants_gap_ = true;
    } else if (macro == "It") {
      words.erase(words.begin());
      begin_item(words);
    } else {
      add_words(paragraph_, std::move(words));
    }
  }

  std::string text() {
    flush();
    std::ranges::replace(text_, unbreakable_blank, ' ');
    return text_;
  }

 private:
  struct List {
    std::size_t outer, inner;
    bool is_compact, has_bullets;
  };

  void add_to_paragraph(const std::string& line) { paragraph_.add(line); }

  void begin_list(const std::vector<std::string>& words) {
    flush();
    const auto after = [&words](const std::string& name) {
      const auto found = std::ranges::find(words, name);
      return found == words.end() || found + 1 == words.end() ? "" : *(found + 1);
    };
    constexpr std::size_t offset = 6, usual = 8, narrow = 60, least = 4;
    auto outer = indent();
    if (after("-offset") == "indent" && width_ >= narrow) outer += offset;
    const auto tag = after("-width");
    auto inner = tag == "Ds" || tag.empty() ? usual : tag.size() + 2;
    if (width_ < narrow) inner = least;
    const auto has = [&words](const char* word) { return std::ranges::find(words, word) != words.end(); };
    const bool has_bullets = has("-bullet");
    if (has_bullets) inner = 2;
    lists_.push_back({outer, outer + inner, has("-compact"), has_bullets});
    wants_gap_ = true;
  }

  void begin_item(const std::vector<std::string>& words) {
    flush();
    const auto& list = lists_.back();
    Inline tag;
    add_words(tag, list.has_bullets ? std::vector<std::string>{"o"} : words);
    if (!text_.empty() && !is_behind_tag_ && (!list.is_compact || wants_gap_)) text_ += '\n';
    wants_gap_ = false;
    text_ += std::string(list.outer, ' ') + wrapped(tag.text(), list.outer, list.outer, width_);
    const auto end = list.outer + tag.text().size();
    is_behind_tag_ = end < list.inner;
    text_ += is_behind_tag_ ? std::string(list.inner - end, ' ') : "\n";
  }

  std::size_t indent() const { return lists_.empty() ? 0 : lists_.back().inner; }

  void flush() {
    const bool is_empty = paragraph_.text().empty();
    if (!is_empty) {
      if (wants_gap_ && !text_.empty()) text_ += '\n';
      wants_gap_ = false;
      if (!is_behind_tag_) text_ += std::string(indent(), ' ');
      text_ += wrapped(paragraph_.text(), indent(), indent(), width_) + '\n';
    } else if (is_behind_tag_) {
      text_.erase(text_.find_last_not_of(' ') + 1);
      text_ += '\n';
    }
    is_behind_tag_ = false;
    paragraph_ = {};
  }

  std::size_t width_;
  std::string text_;
  Inline paragraph_;
  std::vector<List> lists_;
  bool wants_gap_ = false, is_behind_tag_ = false;
};

}  // namespace

std::string rendered_mdoc(std::string_view source, std::size_t width) {
  Renderer renderer(width);
  std::istringstream lines{std::string(source)};
  for (std::string line; std::getline(lines, line);) renderer.add(line);
  return renderer.text();
}

std::string manual_section(std::string_view name, std::size_t width) {
  auto heading = upper_case(name);
  std::ranges::replace(heading, '-', ' ');
  const auto mark = text("\n.Sh {}\n", heading);
  const auto at = manual_page.find(mark);
  if (at == std::string_view::npos) throw std::logic_error(text("sockx(1) has no section {}", heading));
  const auto source = manual_page.substr(at + mark.size());
  return rendered_mdoc(source.substr(0, source.find("\n.Sh ")), width);
}

}  // namespace sockx

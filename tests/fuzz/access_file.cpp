// Access files: each line that says something is one rule, in its order, and the same as the word alone; what
// is refused is told by the line's number.
#include "net/stream/access_list.hpp"
#include "support.hpp"

using namespace sockx;

namespace {

/// What the lines say, read in another way.
std::vector<std::string> words_of_lines(const std::string& content) {
  std::vector<std::string> words(1);
  bool is_comment = false;
  for (const char letter : content) {
    if (letter == '\n') words.emplace_back();
    if (letter == '\n') is_comment = false;
    if (letter == '#') is_comment = true;
    if (letter != '\n' && !is_comment) words.back() += letter;
  }
  for (auto& word : words) {
    while (!word.empty() && std::string_view(" \t\r").find(word.back()) != std::string_view::npos)
      word.pop_back();
    while (!word.empty() && std::string_view(" \t\r").find(word.front()) != std::string_view::npos)
      word.erase(0, 1);
  }
  return words;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto content = fuzz::string_of(std::as_bytes(std::span(data, size)));
  if (content.find('\0') != std::string::npos) {  // which a message shows as \x00
    try {
      parse_access_file(content, "rules");
    } catch (const BadInput& refusal) {
      assert(std::string_view(refusal.what()).find(" (rules, line ") != std::string_view::npos);
      assert(std::string_view(refusal.what()).ends_with(')'));
    }
    return 0;
  }
  const auto lines = words_of_lines(content);
  const auto rules = fuzz::accepted(content, [&] { return parse_access_file(content, "rules"); });
  std::size_t next = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].empty()) continue;
    const auto alone = fuzz::accepted(lines[i], [&] { return parse_access_rule(lines[i]); });
    if (!rules && !alone) return 0;
    assert(alone);
    if (!rules) continue;
    const auto& rule = rules->at(next++);
    assert(rule.word == lines[i] && rule.rule.index() == alone->index());
    assert(rule.place == " (rules, line " + std::to_string(i + 1) + ")");
  }
  assert(rules && next == rules->size());
  return 0;
}

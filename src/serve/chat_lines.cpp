#include "serve/chat_lines.hpp"

#include <algorithm>

namespace sockx {

namespace {

bool continues(char letter) { return (static_cast<unsigned char>(letter) & 0xc0) == 0x80; }

/// The bytes of the character of UTF-8 (RFC 3629) that the text begins with; 0 when it begins with none.
std::size_t character_size(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t size = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (size == 0 || text.size() < size) return 0;
  if (!std::all_of(text.begin() + 1, text.begin() + static_cast<std::ptrdiff_t>(size), continues)) return 0;
  const bool is_too_long = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool is_surrogate = first == 0xed && byte(1) >= 0xa0;
  const bool is_too_large = first == 0xf4 && byte(1) >= 0x90;
  return is_too_long || is_surrogate || is_too_large ? 0 : size;
}

bool is_control(std::string_view character) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 1) return byte(0) < ' ' || byte(0) == 0x7f;
  return character.size() == 2 && byte(0) == 0xc2 && byte(1) < 0xa0;
}

/// Where to cut a line that has more than `longest` bytes.
std::size_t piece_size(std::string_view line) {
  auto size = ChatLines::longest;
  while (size > ChatLines::longest - 4 && continues(line[size])) --size;
  return continues(line[size]) ? ChatLines::longest : size;  // that was no UTF-8
}

}  // namespace

void ChatLines::put(std::span<const std::byte> bytes) {
  bytes_.erase(0, begin_);
  begin_ = 0;
  bytes_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

std::optional<ChatLines::Line> ChatLines::take() {
  const auto rest = std::string_view(bytes_).substr(begin_);
  if (rest.empty()) {
    bytes_ = {};  // who says nothing needs nothing
    begin_ = 0;
    return {};
  }
  const auto newline = rest.find('\n');
  const bool has_end = newline != std::string_view::npos;
  auto line = rest.substr(0, newline);
  if ((has_end || has_ended_) && line.ends_with('\r')) line.remove_suffix(1);
  // A CR at the end may be a part of it: one byte more tells.
  const bool is_too_long = line.size() > longest + (has_end || has_ended_ ? 0 : 1);
  if (is_too_long) {
    line = rest.substr(0, piece_size(rest));
    begin_ += line.size();
    is_within_ = true;
    return Line{line, false};
  }
  if (!has_end && !has_ended_) return {};
  begin_ += has_end ? newline + 1 : rest.size();
  const bool is_whole = !is_within_;
  is_within_ = false;
  return Line{line, is_whole};
}

std::string printable(std::string_view text) {
  std::string shown;
  shown.reserve(text.size());
  while (!text.empty()) {
    const auto size = character_size(text);
    const auto character = text.substr(0, std::max<std::size_t>(size, 1));
    if (character == "\t")
      shown += ' ';
    else if (size == 0 || is_control(character))
      shown += '?';
    else
      shown += character;
    text.remove_prefix(character.size());
  }
  return shown;
}

}  // namespace sockx

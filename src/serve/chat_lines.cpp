#include "serve/chat_lines.hpp"

#include "base/unsafe_text.hpp"

namespace sockx {

namespace {

bool continues(char letter) { return (static_cast<unsigned char>(letter) & 0xc0) == 0x80; }

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
  return transform_unsafe(text, [](std::string_view character) { return character == "\t" ? ' ' : '?'; });
}

}  // namespace sockx

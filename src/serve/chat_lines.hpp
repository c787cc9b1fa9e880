// ChatLines: cuts the input of a chat into lines; printable(): text without control characters.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sockx {

/// Cuts a stream into lines, which end with LF or CR LF. One of more than `longest` bytes comes in pieces of
/// at most that, none of which splits a character of UTF-8.
class ChatLines {
 public:
  static constexpr std::size_t longest = 8 * 1024;

  struct Line {
    std::string_view text;  // without its end; good until the next call
    bool is_whole;          // and no piece
  };

  void put(std::span<const std::byte> bytes);
  /// No more will be put; what is left is a line too.
  void end() { has_ended_ = true; }
  std::optional<Line> take();

 private:
  std::string bytes_;
  std::size_t begin_ = 0;   // of what has not been taken
  bool is_within_ = false;  // a line of which a piece has been taken
  bool has_ended_ = false;
};

/// one_line() with a space for each tab.
std::string printable(std::string_view text);

}  // namespace sockx

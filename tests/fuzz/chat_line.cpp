// Chat lines: however the stream is cut, the same lines come of it, no piece of them is too long, nothing but
// their ends is lost, and what is shown of them obeys no terminal and is UTF-8.
#include "serve/chat_lines.hpp"
#include "support.hpp"

using namespace sockx;

namespace {

using Lines = std::vector<std::pair<std::string, bool>>;

Lines lines_of(const std::vector<fuzz::Bytes>& pieces) {
  ChatLines lines;
  Lines taken;
  const auto take_all = [&] {
    while (const auto line = lines.take()) taken.emplace_back(line->text, line->is_whole);
  };
  for (const auto piece : pieces) {
    lines.put(piece);
    take_all();
  }
  lines.end();
  take_all();
  return taken;
}

/// The text of a stream without the ends of its lines.
std::string without_ends(const std::string& stream) {
  std::string text;
  for (std::size_t i = 0; i < stream.size(); ++i) {
    const bool ends = i + 1 == stream.size() || stream[i + 1] == '\n';
    if (stream[i] != '\n' && !(stream[i] == '\r' && ends)) text += stream[i];
  }
  return text;
}

/// Code points by RFC 3629, decoded as arithmetic; a byte that begins none is a question mark.
std::u32string decoded(const std::string& text) {
  std::u32string points;
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t k) {
      return static_cast<char32_t>(static_cast<unsigned char>(text[i + k]));
    };
    const std::size_t more = byte(0) < 0x80    ? 0
                             : byte(0) >= 0xf0 ? 3
                             : byte(0) >= 0xe0 ? 2
                             : byte(0) >= 0xc0 ? 1
                                               : 9;
    constexpr char32_t least[]{0, 0x80, 0x800, 0x10000};
    bool is_valid = more < 4 && i + more < text.size() && byte(0) < 0xf8;
    char32_t point = more == 0 ? byte(0) : byte(0) & (0x3fU >> more);
    for (std::size_t k = 1; is_valid && k <= more; ++k) {
      is_valid = (byte(k) & 0xc0U) == 0x80;
      point = point << 6U | (byte(k) & 0x3fU);
    }
    is_valid = is_valid && point >= least[more] && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
    points += is_valid ? point : U'?';
    i += is_valid ? more + 1 : 1;
  }
  return points;
}

char32_t shown(char32_t point) {
  if (point == '\t') return ' ';
  const bool is_control = point < ' ' || (point >= 0x7f && point < 0xa0);
  constexpr std::pair<char32_t, char32_t> unsafe[]{
      {0xad, 0xad},       {0x34f, 0x34f},    {0x61c, 0x61c},   {0x115f, 0x1160},   {0x17b4, 0x17b5},
      {0x180e, 0x180e},   {0x200b, 0x200f},  {0x2028, 0x202e}, {0x2060, 0x206f},   {0x3164, 0x3164},
      {0xfeff, 0xfeff},   {0xffa0, 0xffa0},  {0xfff0, 0xfffb}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
      {0xe0000, 0xe00ff}, {0xe01f0, 0xe0fff}};
  bool is_unsafe = is_control;
  for (const auto& [first, last] : unsafe) is_unsafe = is_unsafe || (point >= first && point <= last);
  return is_unsafe ? U'?' : point;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto pieces = fuzz::pieces_of(std::as_bytes(std::span(data, size)));
  // Repeated, so that there are lines too long within an input of a few bytes.
  const auto count = pieces.size();
  for (std::size_t i = 0; i < 40 * count && size > 256; ++i) pieces.push_back(pieces[i % count]);
  const auto stream = fuzz::joined(pieces);
  const auto lines = lines_of(pieces);
  assert(lines == lines_of({fuzz::Bytes(stream)}));
  std::string text;
  for (const auto& [line, is_whole] : lines) {
    assert(line.size() <= ChatLines::longest && line.find('\n') == std::string::npos);
    text += line;
    auto expected = decoded(line);
    for (auto& point : expected) point = shown(point);
    assert(decoded(printable(line)) == expected);
  }
  assert(text == without_ends(fuzz::string_of(stream)));
  return 0;
}

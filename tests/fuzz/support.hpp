// What the fuzz targets share: the input as words or as pieces of a stream, and what every refusal keeps to.
#pragma once

// A property that does not hold ends the process, in a release build too.
#undef NDEBUG
#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"

/// What libFuzzer calls with each input, and replay.cpp with each file of the corpus.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace fuzz {

using Bytes = std::span<const std::byte>;

inline std::string string_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Words as /proc/PID/cmdline has them, with a NUL between; there is always at least one.
inline std::vector<std::string> words_of(const std::uint8_t* data, std::size_t size) {
  std::vector<std::string> words(1);
  for (const char letter : string_of(std::as_bytes(std::span(data, size))))
    if (letter == '\0')
      words.emplace_back();
    else
      words.back() += letter;
  return words;
}

/// A word as a command line can hold it: up to the first NUL.
inline std::string word_of(const std::uint8_t* data, std::size_t size) {
  return words_of(data, size).front();
}

/// Cuts a stream as it might arrive. The first byte says how many bytes after it are lengths; the pieces have
/// these lengths in turn, over and over.
inline std::vector<Bytes> pieces_of(Bytes input) {
  if (input.empty()) return {};
  const auto count = std::min<std::size_t>(std::to_integer<std::size_t>(input[0]), input.size() - 1);
  const auto lengths = input.subspan(1, count);
  std::vector<Bytes> pieces;
  std::size_t turn = 0;
  bool moves = false;  // some length of this round was not 0
  for (auto rest = input.subspan(1 + count); !rest.empty();) {
    if (turn == lengths.size() && !moves) {
      pieces.push_back(rest);
      break;
    }
    if (turn == lengths.size()) turn = 0, moves = false;
    const auto length = std::min(std::to_integer<std::size_t>(lengths[turn++]), rest.size());
    moves = moves || length > 0;
    pieces.push_back(rest.first(length));
    rest = rest.subspan(length);
  }
  return pieces;
}

inline std::vector<std::byte> joined(const std::vector<Bytes>& pieces) {
  std::vector<std::byte> whole;
  for (const auto piece : pieces) whole.insert(whole.end(), piece.begin(), piece.end());
  return whole;
}

struct Quantity {
  long double number;
  std::string unit;
};

/// Digits, with a point among them or not, and the unit behind: what is accepted, read in another way than
/// sockx does; nothing where there is no number.
inline std::optional<Quantity> quantity_of(const std::string& word) {
  const auto size = std::min(word.find_first_not_of("0123456789."), word.size());
  const auto number = word.substr(0, size);
  if (number.find_first_not_of('.') == std::string::npos || number.find('.') != number.rfind('.')) return {};
  return Quantity{std::strtold(number.c_str(), nullptr), word.substr(size)};
}

/// Whether a message begins with a part of what was typed, in quotes and before a colon; a quoted nothing is
/// enough only where there is nothing to quote.
inline bool quotes(std::string_view message, std::string_view typed) {
  if (!message.starts_with('\'')) return false;
  for (auto end = message.find("': ", 1); end != std::string_view::npos; end = message.find("': ", end + 1)) {
    const auto quoted = message.substr(1, end - 1);
    if (quoted.empty() ? typed.empty() : typed.find(quoted) != std::string_view::npos) return true;
  }
  return false;
}

/// What `parse` returns, or nothing when it throws BadInput, the one exception it may throw. That quotes what
/// was typed, and what reaches the user is one line without control characters.
template <class Parse>
auto accepted(std::string_view typed, Parse parse) -> std::optional<decltype(parse())> {
  try {
    return parse();
  } catch (const sockx::BadInput& refusal) {
    const std::string message = refusal.what();
    assert(quotes(message, typed));
    for (const char letter : sockx::one_line(message))
      assert(static_cast<unsigned char>(letter) >= ' ' && letter != '\x7f');
    return {};
  }
}

}  // namespace fuzz

// text(): fmt's formatting, compiled in one place; joined(): lists of words; one_line(), escaped(): text that
// is safe on a terminal; as_text(): bytes.
#pragma once

#include <fmt/core.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace sockx {

std::string format_text(fmt::string_view format, fmt::format_args arguments);

/// A string by fmt's format language. Only text.cpp compiles fmt's implementation; everyone else pays for the
/// declarations in fmt/core.h.
template <class... Arguments>
std::string text(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  return format_text(format, fmt::make_format_args(arguments...));
}

/// The words of `items` in their order, with `between` from one to the next but `last` before the last:
/// "a, b or c". `word_of` is a function or a member of an item that gives its word.
template <class Items, class WordOf = std::identity>
std::string joined(const Items& items, std::string_view between, std::string_view last, WordOf word_of = {}) {
  std::string list;
  for (auto item = std::begin(items); item != std::end(items); ++item) {
    if (item != std::begin(items)) list += std::next(item) == std::end(items) ? last : between;
    list += std::invoke(word_of, *item);
  }
  return list;
}
/// The same with one separator.
template <class Items, class WordOf = std::identity>
std::string joined(const Items& items, std::string_view between = ", ",
                   WordOf word_of = {}) requires(!std::is_convertible_v<WordOf, std::string_view>) {
  return joined(items, between, between, std::move(word_of));
}

/// "1 datagram", "0 datagrams", "2 addresses": a number and a word, in the plural unless the number is 1.
std::string counted(std::uint64_t number, std::string_view word);

/// How many bytes a control character takes that begins at `offset`: 1 for one of C0 and for DEL, 2 for one
/// of C1 (U+0080 to U+009F) in UTF-8; 0 where none begins.
std::size_t control_character_at(std::string_view text, std::size_t offset);

/// The character of UTF-8 (RFC 3629) that a text begins with. Unsafe to show are control characters (C0, DEL,
/// C1), those that order or break lines (U+2028 to U+202E and others), those that nobody sees (Unicode calls
/// them Default_Ignorable_Code_Point: U+00AD, U+200B to U+200F, U+2060 to U+206F, U+FEFF, U+E0000 to U+E0FFF
/// and others) but for variation selectors, and a byte that begins no character, which is one by itself.
struct Character {
  std::size_t size;
  bool is_safe;
};
/// `text` is not empty.
Character first_character(std::string_view text);
/// The number of a character as first_character() finds it; of a byte that begins none its value.
char32_t code_point(std::string_view character);

/// The message on one line, with a question mark for each character that is unsafe to show, whatever words it
/// quotes.
std::string one_line(std::string_view message);
/// The same, but line ends and tabs stay.
std::string several_lines(std::string_view page);

/// A name that anything may be in, to be shown or to be part of another word: each byte of what is unsafe to
/// show, of a blank of any kind, of a variation selector, and of a backslash, becomes \xHH, as
/// systemd-escape(1) writes it. So a name is one word, and no two names look alike.
std::string escaped(std::string_view name);
/// The same for what escaped() has made, and for each byte of `also`.
std::string escaped(std::string_view name, std::string_view also);
/// The name that escaped() was given; a backslash without xHH after it stays.
std::string unescaped(std::string_view name);

/// The same bytes as characters.
inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace sockx

#include "base/text.hpp"

#include <doctest/doctest.h>

#include <set>
#include <vector>

using namespace sockx;

namespace {

std::string utf8(unsigned point) {
  const auto byte = [](unsigned value) { return static_cast<char>(value); };
  if (point < 0x80) return {byte(point)};
  if (point < 0x800) return {byte(0xc0 | point >> 6U), byte(0x80 | (point & 0x3fU))};
  const auto last = byte(0x80 | (point & 0x3fU)), last_but_one = byte(0x80 | (point >> 6U & 0x3fU));
  if (point < 0x10000) return {byte(0xe0 | point >> 12U), last_but_one, last};
  return {byte(0xf0 | point >> 18U), byte(0x80 | (point >> 12U & 0x3fU)), last_but_one, last};
}

/// What a terminal may obey, or show as another text than it is.
std::vector<std::string> unsafe_characters() {
  std::vector<std::string> all;
  for (unsigned byte = 0; byte < 0x20; ++byte) all.emplace_back(1, static_cast<char>(byte));  // C0
  all.emplace_back("\x7f");
  for (unsigned point = 0x80; point < 0xa0; ++point) all.push_back(utf8(point));  // C1
  for (unsigned byte = 0x80; byte < 0x100; ++byte)
    all.emplace_back(1, static_cast<char>(byte));  // C1 and more
  for (const unsigned point : {0x61cU, 0x2028U, 0x2029U}) all.push_back(utf8(point));
  for (unsigned point = 0x200e; point <= 0x200f; ++point) all.push_back(utf8(point));
  for (unsigned point = 0x202a; point <= 0x202e; ++point) all.push_back(utf8(point));
  for (unsigned point = 0x2066; point <= 0x2069; ++point) all.push_back(utf8(point));
  // Those that nobody sees.
  for (const unsigned point : {0xadU, 0x34fU, 0x115fU, 0x1160U, 0x17b4U, 0x17b5U, 0x180eU, 0x3164U, 0xfeffU,
                               0xffa0U, 0xfff0U, 0xfffbU, 0x1bca0U, 0x1d173U, 0x1d17aU})
    all.push_back(utf8(point));
  for (unsigned point = 0x200b; point <= 0x200d; ++point) all.push_back(utf8(point));
  for (unsigned point = 0x2060; point <= 0x206f; ++point) all.push_back(utf8(point));
  for (unsigned point = 0xe0000; point < 0xe0100; ++point) all.push_back(utf8(point));
  return all;
}

}  // namespace

TEST_CASE("text: what is unsafe on a terminal becomes a question mark, or bytes in hexadecimal") {
  for (const auto& character : unsafe_characters()) {
    CAPTURE(escaped(character));
    CHECK(first_character(character).size == character.size());
    CHECK_FALSE(first_character(character).is_safe);
    CHECK(one_line("a" + character + "b") == "a?b");
    const bool stays = character == "\n" || character == "\t";
    CHECK(several_lines("a" + character + "b") == (stays ? "a" + character + "b" : "a?b"));
    const auto name = "a" + character + "b";
    CHECK(escaped(name).size() == 2 + 4 * character.size());
    CHECK(escaped(name).find_first_not_of("abx0123456789cdef\\") == std::string::npos);
    CHECK(unescaped(escaped(name)) == name);
  }
}

TEST_CASE("text: bytes that are no UTF-8 are unsafe one by one") {
  CHECK(one_line("\xc0\x8a \xe0\x80\x8a \xf0\x80\x80\x8a") == "?? ??? ????");  // overlong
  CHECK(one_line("\xed\xa0\x80 \xf4\x90\x80\x80 \xff") == "??? ???? ?");       // surrogate, too large
  CHECK(one_line("\xe2\x80") == "??");
  CHECK(one_line("\xe2\x80z") == "??z");
}

TEST_CASE("text: what is safe stays") {
  for (const std::string safe : {"", "~", "it's", "gr\xc3\xbc\xc3\x9f", "\xe2\x82\xac", "\xe2\x80\x90",
                                 "\xe2\x81\xb0", "\xf0\x9f\x98\x80"}) {
    CHECK(one_line(safe) == safe);
    CHECK(escaped(safe) == safe);
    CHECK(unescaped(safe) == safe);
  }
}

TEST_CASE("text: blanks and variation selectors stay in a text, and not in a name") {
  for (const unsigned point : {0x20U, 0xa0U, 0x1680U, 0x2000U, 0x2007U, 0x200aU, 0x202fU, 0x205fU, 0x2800U,
                               0x3000U, 0x180bU, 0x180dU, 0x180fU, 0xfe00U, 0xfe0fU, 0xe0100U, 0xe01efU}) {
    const auto name = "a" + utf8(point) + "b";
    CAPTURE(point);
    CHECK(one_line(name) == name);
    CHECK(escaped(name).find_first_not_of("abx0123456789cdef\\") == std::string::npos);
    CHECK(unescaped(escaped(name)) == name);
  }
  CHECK(escaped("@alice: transfer") == "@alice:\\x20transfer");
  CHECK(escaped("@alice:\\x20a/b", "/") == "@alice:\\x20a\\x2fb");
}

TEST_CASE("text: names that differ are escaped to different names, and come back") {
  std::set<std::string> shown;
  const std::vector<std::string> names{
      std::string("@a\0b", 4), "@a\\x00b", "@a\\", "@a\\\\", "@a\n", "@a\\n", "@a"};
  for (const auto& name : names) {
    shown.insert(escaped(name));
    CHECK(unescaped(escaped(name)) == name);
  }
  CHECK(shown.size() == names.size());
  CHECK(escaped(std::string("@a\0b", 4)) == "@a\\x00b");
  CHECK(escaped("@a\\x00b") == "@a\\x5cx00b");
  for (const std::string typed : {"a\\b", "a\\", "a\\x", "a\\x1", "a\\xg0", "\\\\"})  // as people type them
    CHECK(unescaped(typed) == typed);
}

TEST_CASE("text: a message is one line without control characters, whatever it quotes") {
  CHECK(one_line("'a\nb\tc': no such service") == "'a?b?c': no such service");
  CHECK(one_line("\x1b[31mred\x7f") == "?[31mred?");
  CHECK(one_line("smörgås") == "smörgås");
  CHECK(one_line("\xc2\x9b"
                 "31mred\xc2\x80\xc2\xa0\xc2") == "?31mred?\xc2\xa0?");
}

TEST_CASE("counted: a number and its word, which is plural unless the number is 1") {
  CHECK(counted(0, "byte") == "0 bytes");
  CHECK(counted(1, "byte") == "1 byte");
  CHECK(counted(2, "system call") == "2 system calls");
  CHECK(counted(1, "address") == "1 address");
  CHECK(counted(2, "address") == "2 addresses");
  CHECK(counted(3, "switch") == "3 switches");
  CHECK(counted(2, "retry") == "2 retries");
  CHECK(counted(2, "day") == "2 days");
}

TEST_CASE("joined: words are listed with separators, of which the last may be another") {
  const std::vector<std::string> words{"a", "b", "c"};
  CHECK(joined(words) == "a, b, c");
  CHECK(joined(words, "|") == "a|b|c");
  CHECK(joined(words, ", ", " or ") == "a, b or c");
  CHECK(joined(std::vector<std::string>{"a"}, ", ", " or ") == "a");
  CHECK(joined(std::vector<std::string>{}).empty());
  CHECK(joined(words, ", ", [](const std::string& word) { return word + word; }) == "aa, bb, cc");
  CHECK(joined(words, ", ", " and ", [](const std::string& word) { return word + word; }) == "aa, bb and cc");
}

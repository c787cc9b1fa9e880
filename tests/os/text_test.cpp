#include "os/text.hpp"

#include <doctest/doctest.h>

#include <set>
#include <vector>

using namespace sockx;

namespace {

/// UTF-8 of a character that takes at most three bytes.
std::string utf8(unsigned point) {
  const auto byte = [](unsigned value) { return static_cast<char>(value); };
  if (point < 0x80) return {byte(point)};
  if (point < 0x800) return {byte(0xc0 | point >> 6U), byte(0x80 | (point & 0x3fU))};
  return {byte(0xe0 | point >> 12U), byte(0x80 | (point >> 6U & 0x3fU)), byte(0x80 | (point & 0x3fU))};
}

/// What a terminal may obey, or show as another text than it is.
std::vector<std::string> unsafe_characters() {
  std::vector<std::string> all;
  for (unsigned byte = 0; byte < 0x20; ++byte) all.emplace_back(1, static_cast<char>(byte));  // C0
  all.emplace_back("\x7f");
  for (unsigned point = 0x80; point < 0xa0; ++point) all.push_back(utf8(point));  // C1
  for (unsigned byte = 0x80; byte < 0x100; ++byte)
    all.emplace_back(1, static_cast<char>(byte));  // C1 and more
  for (const unsigned point : {0x61cU, 0x200eU, 0x200fU, 0x2028U, 0x2029U, 0x202aU, 0x202bU, 0x202cU, 0x202dU,
                               0x202eU, 0x2066U, 0x2067U, 0x2068U, 0x2069U})
    all.push_back(utf8(point));
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
  for (const std::string safe : {"", " ", "~", "it's \"x\"", "gr\xc3\xbc\xc3\x9f", "\xc2\xa0", "\xe2\x82\xac",
                                 "\xe2\x80\x90", "\xe2\x81\xaa", "\xf0\x9f\x98\x80"}) {
    CHECK(one_line(safe) == safe);
    CHECK(escaped(safe) == safe);
    CHECK(unescaped(safe) == safe);
  }
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

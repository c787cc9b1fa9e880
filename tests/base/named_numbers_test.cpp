#include "base/named_numbers.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>

#include "base/error.hpp"

using namespace sockx;

namespace {

constexpr std::array rows{NamedNumber{"FOO_READ", 1}, NamedNumber{"FOO_WRITE", 2},
                          NamedNumber{"FOO_APPEND_ONLY", 4}, NamedNumber{"FOO_PUT", 2}};
constexpr NameTable ways{"way to open", "FOO_", rows};

std::string refusal_of(const std::string& word) {
  try {
    ways.parse(word);
  } catch (const BadInput& error) {
    return error.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("named numbers: the first of several names is shown, and what has none is a number") {
  CHECK(ways.name_of(1) == "FOO_READ");
  CHECK(ways.name_of(2) == "FOO_WRITE");
  CHECK(ways.name_of(3) == "3");
  CHECK(ways.name_of(-1) == "-1");
}

TEST_CASE("named numbers: bits are shown one by one, each once, and the rest in hexadecimal") {
  CHECK(ways.names_of(0) == "0");
  CHECK(ways.names_of(2) == "FOO_WRITE");
  CHECK(ways.names_of(1 | 4) == "FOO_READ|FOO_APPEND_ONLY");
  CHECK(ways.names_of(1 | 0x40) == "FOO_READ|0x40");
  CHECK(ways.names_of(0x40) == "0x40");
}

TEST_CASE("named numbers: a name is read with its prefix or without, in any case, and so is a number") {
  for (const auto* word :
       {"FOO_APPEND_ONLY", "foo_append_only", "append_only", "Append-Only", "foo-append-only"})
    CHECK_MESSAGE(ways.parse(word) == 4, word);
  CHECK(ways.parse("PUT") == 2);
  CHECK(ways.parse("17") == 17);
  CHECK(ways.parse("0") == 0);
}

TEST_CASE("named numbers: the refusal of a word names what is near, or everything") {
  CHECK(refusal_of("foo_raed") == "'foo_raed': no such way to open; did you mean FOO_READ?");
  CHECK(refusal_of("writ") == "'writ': no such way to open; did you mean FOO_WRITE?");
  const std::string all = "no such way to open; there are FOO_READ, FOO_WRITE, FOO_APPEND_ONLY, FOO_PUT";
  for (const std::string word : {"", "sideways", "-1", "1x", "0x1", "99999999999", "FOO_"})
    CHECK(refusal_of(word) == "'" + word + "': " + all);
}

TEST_CASE("named numbers: a list of names is their bits together, and numbers are no names") {
  CHECK(ways.parse_flags("read") == 1);
  CHECK(ways.parse_flags("read,FOO_APPEND_ONLY,read") == 5);
  for (const auto* list : {"", "read,", ",read", "read write", "4", "read,4"})
    CHECK_THROWS_AS_MESSAGE(ways.parse_flags(list), BadInput, list);
}

TEST_CASE("named numbers: only letters of ASCII have capitals") {
  CHECK(upper_case("az-AZ_09\xc3\xa4") == "AZ-AZ_09\xc3\xa4");
  CHECK(upper_case("").empty());
}

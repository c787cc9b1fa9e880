#include <doctest/doctest.h>

#include <cstdint>

#include "base/words.hpp"

using namespace sockx;

TEST_CASE("hexadecimal: two digits a byte, with or without something between") {
  CHECK(hexadecimal("") == "");
  CHECK(hexadecimal(std::string("\x00\x7f\xff", 3)) == "007fff");
  CHECK(hexadecimal(std::string("\x00\x7f\xff", 3), " ") == "00 7f ff");
}

TEST_CASE("hexadecimal: pairs of digits are bytes, and nothing else is") {
  CHECK(parse_hexadecimal("007fFF") == std::string("\x00\x7f\xff", 3));
  CHECK(parse_hexadecimal("") == "");
  CHECK(parse_hexadecimal("00 7f:ff", " :") == std::string("\x00\x7f\xff", 3));
  for (const auto* const wrong : {"0", "007", "0x00", "+1", "-1", "0g", " 00", "00 7f"})
    CHECK_MESSAGE(!parse_hexadecimal(wrong), wrong);
  for (const auto* const wrong : {"00 ", "00  7f", " 00", "00-7f"})
    CHECK_MESSAGE(!parse_hexadecimal(wrong, " :"), wrong);
}

TEST_CASE("digits: a word is a number as a whole or not at all") {
  CHECK(number_in<std::uint16_t>("65535") == 65535);
  CHECK(number_in<int>("-5") == -5);
  CHECK(number_in<std::uint8_t>("ff", 16) == 255);
  for (const auto* const wrong : {"", "65536", "-1", "+1", " 1", "1 ", "1x", "0x1"})
    CHECK_MESSAGE(!number_in<std::uint16_t>(wrong), wrong);
  CHECK(is_all_digits("0123456789"));
  for (const auto* const wrong : {"", "-1", "1a", " 1"}) CHECK_MESSAGE(!is_all_digits(wrong), wrong);
}

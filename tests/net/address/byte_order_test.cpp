#include "net/address/byte_order.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>

#include <bit>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/words.hpp"

using namespace sockx;

namespace {

constexpr auto largest = std::numeric_limits<std::uint64_t>::max();

/// What BadInput says of it.
std::string refusal_of(const std::string& word, Width width) {
  try {
    parse_unsigned(word, width);
  } catch (const BadInput& error) {
    return error.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("byte order: numbers are read in four bases, up to the last that fits") {
  struct Row {
    std::string word;
    Width width;
    std::uint64_t value;
  };
  for (const auto& [word, width, value] : {
           Row{"0", Width::bits_16, 0},
           Row{"65535", Width::bits_16, 65535},
           Row{"0xffff", Width::bits_16, 65535},
           Row{"0XFFff", Width::bits_16, 65535},
           Row{"0o177777", Width::bits_16, 65535},
           Row{"0b1010", Width::bits_16, 10},
           Row{"0B1", Width::bits_16, 1},
           Row{"007", Width::bits_16, 7},
           Row{"4294967295", Width::bits_32, 4294967295},
           Row{"65536", Width::bits_32, 65536},
           Row{"18446744073709551615", Width::bits_64, largest},
           Row{"0xffffffffffffffff", Width::bits_64, largest},
       }) {
    CAPTURE(word);
    CHECK(parse_unsigned(word, width) == value);
  }
}

TEST_CASE("byte order: a number out of range is told the range") {
  struct Row {
    std::string word;
    Width width;
    std::string range;
  };
  for (const auto& [word, width, range] : {
           Row{"65536", Width::bits_16, "16 bits is 0 to 65535"},
           Row{"0x10000", Width::bits_16, "16 bits is 0 to 65535"},
           Row{"-1", Width::bits_16, "16 bits is 0 to 65535"},
           Row{"4294967296", Width::bits_32, "32 bits is 0 to 4294967295"},
           Row{"-99999999999999999999999", Width::bits_32, "32 bits is 0 to 4294967295"},
           Row{"18446744073709551616", Width::bits_64, "64 bits is 0 to 18446744073709551615"},
           Row{"0x1ffffffffffffffff", Width::bits_64, "64 bits is 0 to 18446744073709551615"},
       })
    CHECK(refusal_of(word, width) == "'" + word + "': a value of " + range);
}

TEST_CASE("byte order: what is no number is quoted") {
  for (const std::string word : {"",   "x",     "0x", "0b",  "0b2", "0o8",  "1.5",  "1e3", "+1",  "1 ",
                                 " 1", "1,000", "-",  "--1", "-x",  "-0x1", "0x-1", "0xg", "12a", "\xff"})
    CHECK(refusal_of(word, Width::bits_64) ==
          "'" + word + "': a number is decimal, or 0x, 0o or 0b and digits");
}

TEST_CASE("byte order: the exchange is that of byteorder(3), and twice is not at all") {
  for (const std::uint64_t value : {0UL, 1UL, 80UL, 0x0102030405060708UL, largest}) {
    CHECK(swap_to_network_order(value, Width::bits_16) == htons(static_cast<std::uint16_t>(value)));
    CHECK(swap_to_network_order(value, Width::bits_32) == htonl(static_cast<std::uint32_t>(value)));
    CHECK(swap_to_network_order(swap_to_network_order(value, Width::bits_64), Width::bits_64) == value);
    CHECK(hexadecimal(bytes_in_memory(swap_to_network_order(0x0102030405060708, Width::bits_64),
                                      Width::bits_64)) == "0102030405060708");
  }
}

TEST_CASE("byte order: memory holds the bytes in this machine's order") {
  const bool is_little = std::endian::native == std::endian::little;
  CHECK(hexadecimal(bytes_in_memory(0x0102, Width::bits_16)) == (is_little ? "0201" : "0102"));
  CHECK(hexadecimal(bytes_in_memory(0x01020304, Width::bits_32), " ") ==
        (is_little ? "04 03 02 01" : "01 02 03 04"));
  CHECK(bytes_in_memory(0, Width::bits_64) == std::string(8, '\0'));
  CHECK(hexadecimal("").empty());
}

TEST_CASE("byte order: addresses become bytes and bytes addresses") {
  CHECK(hexadecimal(text_to_packed_loosely("127.1")) == "7f000001");
  CHECK(hexadecimal(text_to_packed_loosely("0x7f.0.0.010")) == "7f000008");
  CHECK(hexadecimal(text_to_packed("192.0.2.7", AF_UNSPEC)) == "c0000207");
  CHECK(hexadecimal(text_to_packed("192.0.2.7", AF_INET)) == "c0000207");
  CHECK(hexadecimal(text_to_packed("::ffff:192.0.2.7", AF_UNSPEC)) == "00000000000000000000ffffc0000207");
  CHECK(hexadecimal(text_to_packed("::", AF_INET6)) == std::string(32, '0'));
  for (const auto* bytes : {"c0000207", "0xC0000207", "c0 00 02 07", "c0:00:02:07", "c000 0207"}) {
    CHECK(packed_to_dotted(bytes) == "192.0.2.7");
    CHECK(packed_to_text(bytes, AF_UNSPEC) == "192.0.2.7");
    CHECK(packed_to_text(bytes, AF_INET) == "192.0.2.7");
  }
  CHECK(packed_to_text(std::string(31, '0') + '1', AF_UNSPEC) == "::1");
  CHECK(packed_to_text("2001:0db8:0000:0000:0000:0000:0000:0001", AF_INET6) == "2001:db8::1");
}

TEST_CASE("byte order: what the functions of inet(3) refuse is refused and quoted") {
  const auto check = [](const std::string& word, auto convert) {
    CHECK_THROWS_WITH_AS(convert(), doctest::Contains(("'" + word + "': inet_").c_str()), BadInput);
  };
  for (const std::string word : {"", "1.2.3.256", "1.2.3.4.5", "08", "x", "1..2"})
    check(word, [&] { text_to_packed_loosely(word); });
  for (const std::string word : {"", "127.1", "1.2.3.4 ", "01.2.3.4", "1.2.3.256"})
    check(word, [&] { text_to_packed(word, AF_UNSPEC); });
  for (const std::string word : {"1.2.3.4", "", "::1%lo", "1::2::3", "[::1]"})
    check(word, [&] { text_to_packed(word, AF_INET6); });
  check("::1", [] { text_to_packed("::1", AF_INET); });
  for (const std::string word :
       {"", "7f00000", "7f0000010", "7g000001", "7f::000001", "0x", "-7f00001", "7f000001 "})
    check(word, [&] { packed_to_dotted(word); });
  check("7f000001", [] { packed_to_text("7f000001", AF_INET6); });
  check(std::string(32, '0'), [] { packed_to_text(std::string(32, '0'), AF_INET); });
  check("0102030405", [] { packed_to_text("0102030405", AF_UNSPEC); });
}

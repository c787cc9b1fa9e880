#include "net/address/byte_order.hpp"

#include <arpa/inet.h>
#include <endian.h>

#include <charconv>
#include <cstring>
#include <limits>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/words.hpp"

namespace sockx {

namespace {

constexpr std::size_t v4_size = sizeof(in_addr), v6_size = sizeof(in6_addr);

std::uint64_t most(Width width) {
  return std::numeric_limits<std::uint64_t>::max() >> (64 - static_cast<unsigned>(width));
}

int base_of(std::string_view& digits) {
  if (digits.size() < 2 || digits[0] != '0') return 10;
  const int base = digits[1] == 'x' || digits[1] == 'X'   ? 16
                   : digits[1] == 'o' || digits[1] == 'O' ? 8
                   : digits[1] == 'b' || digits[1] == 'B' ? 2
                                                          : 10;
  if (base != 10) digits.remove_prefix(2);
  return base;
}

template <class Integer>
std::string memory_of(Integer value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

/// A packed address as users write it; empty for anything else.
std::string packed_bytes(std::string_view word) {
  if (word.starts_with("0x") || word.starts_with("0X")) word.remove_prefix(2);
  return parse_hexadecimal(word, " :").value_or("");
}

}  // namespace

std::uint64_t parse_unsigned(const std::string& word, Width width) {
  std::string_view digits(word);
  const int base = base_of(digits);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  const bool is_number = error != std::errc::invalid_argument && end == digits.data() + digits.size();
  const bool is_negative = word.starts_with('-') && is_all_digits(std::string_view(word).substr(1));
  if (!is_number && !is_negative)
    throw BadInput(text("'{}': a number is decimal, or 0x, 0o or 0b and digits", word));
  if (is_negative || error == std::errc::result_out_of_range || value > most(width))
    throw BadInput(text("'{}': a value of {} bits is 0 to {}", word, static_cast<int>(width), most(width)));
  return value;
}

std::uint64_t swap_to_network_order(std::uint64_t value, Width width) {
  switch (width) {
    case Width::bits_16:
      return htobe16(static_cast<std::uint16_t>(value));
    case Width::bits_32:
      return htobe32(static_cast<std::uint32_t>(value));
    case Width::bits_64:
      return htobe64(value);
  }
  return value;
}

std::string bytes_in_memory(std::uint64_t value, Width width) {
  switch (width) {
    case Width::bits_16:
      return memory_of(static_cast<std::uint16_t>(value));
    case Width::bits_32:
      return memory_of(static_cast<std::uint32_t>(value));
    case Width::bits_64:
      return memory_of(value);
  }
  return "";
}

std::string text_to_packed_loosely(const std::string& word) {
  in_addr packed;
  if (inet_aton(word.c_str(), &packed) == 0)
    throw BadInput(
        text("'{}': inet_aton(3) takes one to four numbers with dots between, decimal, octal (0) or "
             "hexadecimal (0x)",
             word));
  return memory_of(packed);
}

std::string text_to_packed(const std::string& word, int family) {
  const bool looks_like_v6 = word.find(':') != std::string::npos;
  const bool is_v6 = family == AF_INET6 || (family == AF_UNSPEC && looks_like_v6);
  in6_addr packed;
  if (inet_pton(is_v6 ? AF_INET6 : AF_INET, word.c_str(), &packed) != 1)
    throw BadInput(
        is_v6 ? text("'{}': inet_pton(3) takes an IPv6 address like 2001:db8::1", word)
              : text("'{}': inet_pton(3) takes four decimal numbers from 0 to 255, like 192.0.2.7", word));
  return memory_of(packed).substr(0, is_v6 ? v6_size : v4_size);
}

std::string packed_to_dotted(const std::string& word) {
  const auto bytes = packed_bytes(word);
  if (bytes.size() != v4_size)
    throw BadInput(text("'{}': inet_ntoa(3) takes 4 bytes in hexadecimal, like 7f000001", word));
  in_addr packed;
  std::memcpy(&packed, bytes.data(), v4_size);
  return inet_ntoa(packed);
}

std::string packed_to_text(const std::string& word, int family) {
  const auto bytes = packed_bytes(word);
  const bool fits =
      (bytes.size() == v4_size && family != AF_INET6) || (bytes.size() == v6_size && family != AF_INET);
  if (!fits)
    throw BadInput(text("'{}': inet_ntop(3) takes {} bytes in hexadecimal", word,
                        family == AF_INET    ? "4"
                        : family == AF_INET6 ? "16"
                                             : "4 or 16"));
  char shown[INET6_ADDRSTRLEN];
  return inet_ntop(bytes.size() == v4_size ? AF_INET : AF_INET6, bytes.data(), shown, sizeof shown);
}

}  // namespace sockx

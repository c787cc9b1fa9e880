// Byte order and packed addresses: what byteorder(3) and inet(3) do, on values as users type and read them.
#pragma once

#include <cstdint>
#include <string>

namespace sockx {

/// The six conversions are three, because the way back is the same swap.
enum class Width { bits_16 = 16, bits_32 = 32, bits_64 = 64 };

/// Reads decimal, 0x, 0o or 0b digits. Throws BadInput, which names the range of so many bits.
std::uint64_t parse_unsigned(const std::string& word, Width width);

/// htons(3), htonl(3) and their 64-bit forms: `value` with its bytes in network order, or back again.
std::uint64_t swap_to_network_order(std::uint64_t value, Width width);

/// The bytes of `value` as they stand in this machine's memory, lowest address first.
std::string bytes_in_memory(std::uint64_t value, Width width);

// The four functions of inet(3) and inet_pton(3); packed addresses are in hexadecimal, with or without blanks
// or colons between the bytes. `family` is AF_INET, AF_INET6, or AF_UNSPEC for what the word looks like. All
// throw BadInput for what the C function refuses.
std::string text_to_packed_loosely(const std::string& word);      // inet_aton(3): bytes
std::string text_to_packed(const std::string& word, int family);  // inet_pton(3): bytes
std::string packed_to_dotted(const std::string& word);            // inet_ntoa(3): text
std::string packed_to_text(const std::string& word, int family);  // inet_ntop(3): text

}  // namespace sockx

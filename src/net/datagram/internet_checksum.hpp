// The Internet checksum: RFC 1071.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace sockx {

/// The complement of the sum, in ones' complement, of the 16-bit words in network order; an odd last byte
/// counts as one with a zero behind it. Written in network order into bytes in whose place there were zeros,
/// it makes the checksum of the whole 0.
inline std::uint16_t internet_checksum(std::span<const std::byte> bytes) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    sum += static_cast<std::uint64_t>(bytes[i]) << (i % 2 == 0 ? 8U : 0U);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16U);
  return static_cast<std::uint16_t>(~sum);
}

}  // namespace sockx

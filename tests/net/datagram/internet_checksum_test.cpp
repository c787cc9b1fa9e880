#include <doctest/doctest.h>

#include <array>
#include <vector>

#include "net/datagram/raw_socket.hpp"

using namespace sockx;

TEST_CASE("internet_checksum: the example of RFC 1071, odd lengths, and that the whole then sums to 0") {
  const std::array example{std::byte{0x00}, std::byte{0x01}, std::byte{0xf2}, std::byte{0x03},
                           std::byte{0xf4}, std::byte{0xf5}, std::byte{0xf6}, std::byte{0xf7}};
  CHECK(internet_checksum(example) == static_cast<std::uint16_t>(~0xddf2U));
  CHECK(internet_checksum({}) == 0xffff);
  for (std::size_t size = 2; size < 70; ++size) {
    std::vector<std::byte> bytes(size);
    for (std::size_t i = 2; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 37);
    const auto sum = internet_checksum(bytes);
    bytes[0] = static_cast<std::byte>(sum >> 8U);
    bytes[1] = static_cast<std::byte>(sum & 0xffU);
    CHECK(internet_checksum(bytes) == 0);
  }
}

// Bytes, records, and the sockets that keep records apart.
#pragma once

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "descriptors.hpp"

namespace test {

inline std::vector<std::byte> bytes_of(std::string_view words) {
  const auto bytes = std::as_bytes(std::span(words));
  return {bytes.begin(), bytes.end()};
}

inline std::string string_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Its size as a number of 32 bits in network order, and the record.
inline std::string counted(const std::string& record) {
  std::string bytes;
  for (unsigned shift : {24U, 16U, 8U, 0U}) bytes += static_cast<char>(record.size() >> shift & 0xffU);
  return bytes + record;
}

/// Two connected sockets that keep records apart.
inline SocketEnds record_pair(int flags = SOCK_NONBLOCK) {
  int ends[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0, ends) == 0);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

inline void put_record(int fd, std::string_view record) {
  REQUIRE(send(fd, record.data(), record.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(record.size()));
}

/// The next record, which must be there.
inline std::string take_record(int fd) {
  std::string record(1'000'000, '\0');
  const auto got = recv(fd, record.data(), record.size(), MSG_DONTWAIT);
  REQUIRE(got >= 0);
  record.resize(static_cast<std::size_t>(got));
  return record;
}

}  // namespace test

#include "datagram/peers.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "net/address/numeric_address.hpp"

using namespace sockx;

namespace {

Address peer(unsigned number) {
  return numeric_address("10.0.0.1")->with_port(static_cast<std::uint16_t>(number));
}

std::vector<std::uint32_t> ports(const Peers& peers) {
  std::vector<std::uint32_t> all;
  for (const auto& one : peers) all.push_back(one.port());
  return all;
}

}  // namespace

TEST_CASE("Peers: each once, in the order in which they came, the last to speak is known") {
  Peers peers;
  CHECK(peers.last() == nullptr);
  for (const unsigned number : {1, 2, 1, 3, 2}) peers.add(peer(number));
  CHECK(ports(peers) == std::vector<std::uint32_t>{1, 2, 3});
  CHECK(peers.last()->port() == 2);
  peers.remove(peer(2));
  CHECK(peers.last() == nullptr);
  CHECK(ports(peers) == std::vector<std::uint32_t>{1, 3});
  peers.add(peer(2));
  CHECK(ports(peers) == std::vector<std::uint32_t>{1, 3, 2});
  CHECK(peers.last()->port() == 2);
}

TEST_CASE("Peers: beyond the most the oldest is forgotten") {
  Peers peers(3);
  for (unsigned number = 1; number <= 5; ++number) peers.add(peer(number));
  CHECK(ports(peers) == std::vector<std::uint32_t>{3, 4, 5});
  CHECK(peers.last()->port() == 5);
}

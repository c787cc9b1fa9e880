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
  for (const auto& one : peers) all.push_back(one.to.port());
  return all;
}

}  // namespace

TEST_CASE("Peers: each once, in the order in which they came, the last to speak is known") {
  Peers peers;
  CHECK(peers.last() == nullptr);
  for (const unsigned number : {1, 2, 1, 3, 2}) peers.add(peer(number));
  CHECK(ports(peers) == std::vector<std::uint32_t>{1, 2, 3});
  CHECK(peers.last()->to.port() == 2);
  peers.remove(peer(2));
  CHECK(peers.last() == nullptr);
  CHECK(ports(peers) == std::vector<std::uint32_t>{1, 3});
  peers.add(peer(2));
  CHECK(ports(peers) == std::vector<std::uint32_t>{1, 3, 2});
  CHECK(peers.last()->to.port() == 2);
}

TEST_CASE("Peers: beyond the most the oldest is forgotten") {
  Peers peers(3);
  for (unsigned number = 1; number <= 5; ++number) peers.add(peer(number));
  CHECK(ports(peers) == std::vector<std::uint32_t>{3, 4, 5});
  CHECK(peers.last()->to.port() == 5);
}

TEST_CASE("Peers: each is answered from the address that it last sent to") {
  const auto first = *numeric_address("192.0.2.7"), second = *numeric_address("192.0.2.8");
  Peers peers;
  peers.add(peer(1), &first);
  CHECK(peers.last()->from == first);
  peers.add(peer(1), &second);
  CHECK(peers.last()->from == second);
  peers.add(peer(2));
  CHECK_FALSE(peers.last()->from);
  CHECK(peers.begin()->from == second);
  peers.add(peer(1), &first);
  CHECK(peers.last()->from == first);
  CHECK(ports(peers) == std::vector<std::uint32_t>{1, 2});
  peers.add(peer(1));
  CHECK_FALSE(peers.last()->from);
}

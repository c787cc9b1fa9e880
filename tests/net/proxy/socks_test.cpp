#include "net/proxy/socks.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace sockx;

TEST_CASE("each reply of SOCKS has its own name, and the others are unassigned") {
  std::set<std::string_view> names;
  for (std::uint8_t reply = 0; reply <= 8; ++reply) names.insert(socks::name_of_reply(reply));
  CHECK(names.size() == 9);
  CHECK(socks::name_of_reply(4) == "host unreachable");
  CHECK(socks::name_of_reply(9) == "unassigned");
  CHECK(socks::name_of_reply(255) == "unassigned");
  names.clear();
  for (std::uint8_t reply = 90; reply <= 93; ++reply) names.insert(socks::name_of_reply4(reply));
  CHECK(names.size() == 4);
  CHECK(socks::name_of_reply4(91) == "request rejected or failed");
  CHECK(socks::name_of_reply4(94) == "unassigned");
}

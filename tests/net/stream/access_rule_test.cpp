#include "net/stream/access_rule.hpp"

#include <doctest/doctest.h>

#include "base/error.hpp"
#include "net/address/numeric_address.hpp"

using namespace sockx;

namespace {

bool covers(const std::string& rule, const std::string& address) {
  return std::get<Network>(parse_access_rule(rule)).contains(numeric_address(address).value());
}

}  // namespace

TEST_CASE("access rule: a network contains the addresses that begin with its bits, of its family only") {
  struct Row {
    std::string rule, address;
    bool is_contained;
  };
  for (const auto& [rule, address, is_contained] : {
           Row{"192.0.2.7", "192.0.2.7", true},
           Row{"192.0.2.7", "192.0.2.6", false},
           Row{"192.0.2.0/24", "192.0.2.255", true},
           Row{"192.0.2.0/24", "192.0.3.0", false},
           Row{"192.0.2.128/25", "192.0.2.127", false},
           Row{"192.0.2.4/30", "192.0.2.7", true},
           Row{"192.0.2.4/30", "192.0.2.8", false},
           Row{"10.0.0.0/8", "11.0.0.0", false},
           Row{"0.0.0.0/0", "203.0.113.9", true},
           Row{"0.0.0.0/0", "::1", false},
           Row{"::/0", "2001:db8::1", true},
           Row{"::/0", "192.0.2.7", false},
           Row{"2001:db8::/33", "2001:db8:7fff::1", true},
           Row{"2001:db8::/33", "2001:db8:8000::1", false},
           Row{"2001:db8::1", "2001:db8::1", true},
           Row{"::1/128", "::2", false},
           Row{"fe80::/10", "fe80::1%1", true},
           Row{"fe80::1%1", "fe80::1%1", true},
           Row{"fe80::1%1", "fe80::1%2", false},
       }) {
    CAPTURE(rule);
    CAPTURE(address);
    CHECK(covers(rule, address) == is_contained);
  }
}

TEST_CASE("access rule: an IPv4-mapped address counts as the IPv4 one, on either side") {
  CHECK(covers("192.0.2.0/24", "::ffff:192.0.2.9"));
  CHECK_FALSE(covers("::/0", "::ffff:192.0.2.9"));
  CHECK(covers("::ffff:192.0.2.9", "192.0.2.9"));
  CHECK(covers("::ffff:192.0.2.0/120", "192.0.2.9"));
  CHECK_FALSE(covers("::ffff:192.0.2.0/120", "192.0.3.9"));
  CHECK(covers("::ffff:0.0.0.0/96", "203.0.113.9"));
}

TEST_CASE("access rule: hosts and users are told apart from addresses") {
  for (const auto* word : {"localhost", "db.example.org", "example.org.", "a-b_c.d1", "10.in-addr.arpa"})
    CHECK(std::get<HostName>(parse_access_rule(word)).name == word);
  CHECK(std::get<User>(parse_access_rule("uid:0")).word == "0");
  CHECK(std::get<User>(parse_access_rule("uid:www-data")).word == "www-data");
}

TEST_CASE("access rule: what is wrong is quoted, and what would be right is said") {
  struct Row {
    std::string word, message;
  };
  for (const auto& [word, message] : {
           Row{"", "'': a rule is missing"},
           Row{"uid:", "'uid:': say uid:USER"},
           Row{"10.0.0.0/33", "'10.0.0.0/33': '33' is no number of bits from 0 to 32"},
           Row{"10.0.0.0/", "'10.0.0.0/': '' is no number of bits"},
           Row{"10.0.0.0/8/8", "'10.0.0.0/8/8': '8/8' is no number"},
           Row{"::/129", "'::/129': '129' is no number of bits from 0 to 128"},
           Row{"::/-1", "'::/-1': '-1' is no number"},
           Row{"::ffff:1.2.3.4/95", "has at least 96 bits"},
           Row{"10.0.0.1/8",
               "'10.0.0.1/8': there are bits set after the first 8: say 10.0.0.0/8 for the network, "
               "or 10.0.0.1 for the host"},
           Row{"2001:db8::1/32", "say 2001:db8::/32 for the network, or 2001:db8::1 for the host"},
           Row{"10.1.2", "'10.1.2': a rule is like"},
           Row{"300.1.1.1", "'300.1.1.1': a rule is like"},
           Row{"0x7f000001", "'0x7f000001': a rule is like"},
           Row{"host/24", "'host/24': a rule is like"},
           Row{"[::1]", "'[::1]': a rule is like"},
           Row{"two words", "'two words': a rule is like"},
           Row{"a..b", "'a..b': a rule is like"},
           Row{"-h", "'-h': a rule is like"},
       }) {
    CAPTURE(word);
    CHECK_THROWS_WITH_AS(parse_access_rule(word), doctest::Contains(message.c_str()), BadInput);
  }
}

TEST_CASE("access rule: a network is shown as it is written") {
  for (const auto* word : {"192.0.2.0/24", "192.0.2.7", "0.0.0.0/0", "2001:db8::/32", "::1", "::/0"})
    CHECK(std::get<Network>(parse_access_rule(word)).to_string() == word);
  CHECK(std::get<Network>(parse_access_rule("::ffff:192.0.2.0/120")).to_string() == "192.0.2.0/24");
}

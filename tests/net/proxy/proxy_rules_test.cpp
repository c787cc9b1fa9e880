#include "net/proxy/proxy_rules.hpp"

#include <doctest/doctest.h>

#include "../../support/thrown.hpp"
#include "base/error.hpp"
#include "net/address/numeric_address.hpp"

using namespace sockx;
using namespace test;

namespace {

Address canonical_of(const std::string& words) { return canonical(parse_address(words).address); }

/// What the rules say of an address that a client has reached by that name.
std::string judged(const std::string& permitted, const std::string& denied, const std::string& address,
                   const std::string& host = "") {
  const auto rules_of = [](const std::string& list) {
    return list.empty() ? std::vector<ProxyRule>() : parse_proxy_rules(list);
  };
  const ProxyRules rules(rules_of(permitted), rules_of(denied));
  const auto where = canonical_of(address);
  return rules.reason_to_deny(host.empty() ? where.host() : host, where)
      .value_or(ProxyRuleDenial{"permitted"})
      .reason;
}

}  // namespace

TEST_CASE("proxy rules: without rules everything is permitted but this host, its link and groups") {
  for (const auto* address : {"192.0.2.7:80", "10.0.0.1:22", "[2001:db8::1]:443", "[::ffff:192.0.2.7]:80",
                              "[64:ff9b::192.0.2.7]:80", "[::192.0.2.7]:80", "240.0.0.1:80", "[fd00::1]:80"})
    CHECK(judged("", "", address) == "permitted");
  struct Row {
    const char *address, *reason;
  };
  for (const auto& [address, reason] : {
           Row{"127.0.0.1:80", "127.0.0.1 is a loopback address, which no rule names"},
           Row{"127.255.0.9:80", "127.255.0.9 is a loopback address, which no rule names"},
           Row{"[::1]:80", "::1 is a loopback address, which no rule names"},
           Row{"[::ffff:127.0.0.1]:80", "127.0.0.1 is a loopback address, which no rule names"},
           Row{"[::127.0.0.1]:80", "::127.0.0.1 is a loopback address, which no rule names"},
           Row{"[64:ff9b::7f00:1]:80", "64:ff9b::7f00:1 is a loopback address, which no rule names"},
           Row{"0.0.0.0:80", "0.0.0.0 is an unspecified address, which no rule names"},
           Row{"0.1.2.3:80", "0.1.2.3 is an unspecified address, which no rule names"},
           Row{"[::]:80", ":: is an unspecified address, which no rule names"},
           Row{"[::ffff:0.0.0.0]:80", "0.0.0.0 is an unspecified address, which no rule names"},
           Row{"169.254.169.254:80", "169.254.169.254 is a link-local address, which no rule names"},
           Row{"[fe80::1]:80", "fe80::1 is a link-local address, which no rule names"},
           Row{"[febf::1]:80", "febf::1 is a link-local address, which no rule names"},
           Row{"224.0.0.1:80", "224.0.0.1 is a multicast address, which no rule names"},
           Row{"239.255.255.255:80", "239.255.255.255 is a multicast address, which no rule names"},
           Row{"[ff02::1]:80", "ff02::1 is a multicast address, which no rule names"},
           Row{"255.255.255.255:80", "255.255.255.255 is a broadcast address, which no rule names"},
       })
    CHECK(judged("", "", address) == reason);
}

TEST_CASE("proxy rules: only a rule that has no other addresses names a special one") {
  for (const auto* rule : {"*", ":80", "0.0.0.0/0", "126.0.0.0/7", "example.com", "127.0.0.1:81", "127.0.0.2",
                           "::/0", "*:80", "[::]:80"})
    CHECK(judged(rule, "", "127.0.0.1:80", "www.example.com") ==
          "127.0.0.1 is a loopback address, which no rule names");
  for (const auto* rule : {"127.0.0.0/8", "127.0.0.1", "127.0.0.1:80", "localhost", "LocalHost:80",
                           "127.0.0.0/8:79-81", "::ffff:127.0.0.1", "example.com,127.0.0.1"})
    CHECK(judged(rule, "", "127.0.0.1:80", "www.example.com") == "permitted");
  CHECK(judged("localhost", "", "[::1]:80") == "permitted");
  CHECK(judged("fe80::/10", "", "[fe80::1]:80") == "permitted");
  CHECK(judged("[ff00::/8]:80", "", "[ff02::1]:80") == "permitted");
  CHECK(judged("0.0.0.0", "", "0.0.0.0:80") == "permitted");
  // An address of IPv6 that leads to one of IPv4 elsewhere is none of this host's.
  CHECK(judged("127.0.0.1", "", "[64:ff9b::7f00:1]:80") != "permitted");
  CHECK(judged("64:ff9b::7f00:1", "", "[64:ff9b::7f00:1]:80") == "permitted");
}

TEST_CASE("proxy rules: with permissions nothing else is permitted, and a denial is stronger") {
  struct Row {
    const char *permitted, *denied, *address, *host, *reason;
  };
  for (const auto& [permitted, denied, address, host, reason] : {
           Row{"192.0.2.0/24", "", "192.0.2.9:80", "", "permitted"},
           Row{"192.0.2.0/24", "", "192.0.3.9:80", "", "no rule permits it"},
           Row{"192.0.2.0/24:443", "", "192.0.2.9:80", "", "no rule permits it"},
           Row{"192.0.2.0/24:443", "", "192.0.2.9:443", "", "permitted"},
           Row{":443", "", "192.0.2.9:443", "", "permitted"},
           Row{":443", "", "192.0.2.9:444", "", "no rule permits it"},
           Row{":http", "", "192.0.2.9:80", "", "permitted"},
           Row{":1024-65535", "", "192.0.2.9:1023", "", "no rule permits it"},
           Row{":1024-65535", "", "192.0.2.9:65535", "", "permitted"},
           Row{"[2001:db8::/32]:443", "", "[2001:db8::1]:443", "", "permitted"},
           Row{"[2001:db8::/32]:443", "", "[2001:db8::1]:80", "", "no rule permits it"},
           Row{"2001:db8::/32", "", "[2001:db9::1]:80", "", "no rule permits it"},
           Row{"192.0.2.0/24", "", "[64:ff9b::192.0.2.9]:80", "", "permitted"},
           Row{"192.0.2.0/24", "", "[::ffff:192.0.2.9]:80", "", "permitted"},
           Row{"", "192.0.2.0/24", "[::ffff:192.0.2.9]:80", "", "denied by 192.0.2.0/24"},
           Row{"", "192.0.2.0/24", "[64:ff9b::192.0.2.9]:80", "", "denied by 192.0.2.0/24"},
           Row{"", "192.0.2.0/24", "[::192.0.2.9]:80", "", "denied by 192.0.2.0/24"},
           Row{"", "64:ff9b::/96", "[64:ff9b::192.0.2.9]:80", "", "denied by 64:ff9b::/96"},
           Row{"*", "10.0.0.0/8,:25", "10.1.1.1:80", "", "denied by 10.0.0.0/8"},
           Row{"*", "10.0.0.0/8,:25", "192.0.2.9:25", "", "denied by :25"},
           Row{"*", "10.0.0.0/8,:25", "192.0.2.9:80", "", "permitted"},
           Row{"localhost", "127.0.0.1", "127.0.0.1:80", "", "denied by 127.0.0.1"},
           Row{"", "*", "192.0.2.9:80", "", "denied by *"},
           Row{"example.com", "", "192.0.2.9:80", "example.com", "permitted"},
           Row{"example.com", "", "192.0.2.9:80", "WWW.Example.COM.", "permitted"},
           Row{".example.com", "", "192.0.2.9:80", "a.b.example.com", "permitted"},
           Row{".example.com", "", "192.0.2.9:80", "example.com", "permitted"},
           Row{"example.com", "", "192.0.2.9:80", "badexample.com", "no rule permits it"},
           Row{"example.com", "", "192.0.2.9:80", "example.com.evil.test", "no rule permits it"},
           Row{"example.com", "", "192.0.2.9:80", "192.0.2.9", "no rule permits it"},
           Row{"example.com:443", "", "192.0.2.9:80", "example.com", "no rule permits it"},
           Row{"example.com:443", "", "192.0.2.9:443", "example.com", "permitted"},
           Row{"", "example.com:443", "192.0.2.9:443", "x.example.com", "denied by example.com:443"},
           Row{"", "example.com:443", "192.0.2.9:80", "x.example.com", "permitted"},
       }) {
    CAPTURE(permitted);
    CAPTURE(denied);
    CAPTURE(host);
    CAPTURE(address);
    CHECK(judged(permitted, denied, address, host) == reason);
  }
}

TEST_CASE("proxy rules: what is no rule is quoted, and it is said what one is like") {
  struct Row {
    const char *word, *message;
  };
  for (const auto& [word, message] : {
           Row{"", "'': a rule is missing"},
           Row{"10.0.0.1/8", "there are bits set after the first 8"},
           Row{"10.0.0.0/33", "'10.0.0.0/33': '33' is no number of bits from 0 to 32"},
           Row{"exa mple", "'exa mple': a rule is like 192.0.2.0/24"},
           Row{"uid:0", "'uid:0': ports are like 443 or 8000-8099"},
           Row{"*.example.com", "'*.example.com': a rule is like"},
           Row{"127.1", "'127.1': a rule is like"},
           Row{"[10.0.0.1]:80", "'[10.0.0.1]:80': an address in brackets is like [2001:db8::/32]:443"},
           Row{"[::1", "'[::1': an address in brackets is like"},
           Row{"[::1]80", "'[::1]80': an address in brackets is like"},
           Row{"a:b:c", "'a:b:c': a rule is like"},
           Row{":", "':': '': no such service"},
           Row{":70000", "':70000': '70000': a port is a number"},
           Row{":90-80", "':90-80': ports are like 443 or 8000-8099"},
           Row{":0", "':0': ports are like"},
           Row{"example.com:", "'example.com:': '': no such service"},
           Row{".", "'.': a rule is like"},
       }) {
    CAPTURE(word);
    const auto error = thrown_by<BadInput>([&, word = word] { parse_proxy_rule(word); });
    REQUIRE(error);
    CHECK_MESSAGE(std::string(error->what()).find(message) != std::string::npos, error->what());
  }
}

TEST_CASE("proxy rules: the canonical form of a mapped address is the IPv4 address") {
  CHECK(canonical_of("[::ffff:192.0.2.7]:80") == canonical_of("192.0.2.7:80"));
  CHECK(canonical_of("[::1]:80").family() == AF_INET6);
  CHECK(canonical_of("[64:ff9b::192.0.2.7]:80").family() == AF_INET6);
}

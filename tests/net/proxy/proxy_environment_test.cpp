#include "net/proxy/proxy_environment.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <initializer_list>
#include <utility>

#include "../../support/thrown.hpp"
#include "base/error.hpp"

using namespace sockx;
using namespace test;

namespace {

bool is_direct(const std::string& list, const std::string& host, std::uint16_t port = 80) {
  return entry_without_proxy(list, {host, port}).has_value();
}

/// Sets variables, and removes all of them at its end.
struct Variables {
  Variables(std::initializer_list<std::pair<const char*, const char*>> wanted) {
    clear();
    for (const auto& [name, value] : wanted) setenv(name, value, 1);
  }
  ~Variables() { clear(); }
  static void clear() {
    for (const auto* const name :
         {"all_proxy", "ALL_PROXY", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"})
      unsetenv(name);
  }
};

std::string chosen(const std::string& host) {
  const auto found = proxy_from_environment({host, 80});
  return found.proxy ? found.proxy->to_string() : "";
}

}  // namespace

TEST_CASE("NO_PROXY: a name stands for itself and what is below it, with or without a dot in front") {
  for (const std::string entry : {"test", ".test", "*.test", "TEST", "test."}) {
    CAPTURE(entry);
    CHECK(is_direct(entry, "test"));
    CHECK(is_direct(entry, "x.test"));
    CHECK(is_direct(entry, "a.b.Test."));
    CHECK_FALSE(is_direct(entry, "latest"));
    CHECK_FALSE(is_direct(entry, "test.example"));
    CHECK_FALSE(is_direct(entry, "192.0.2.7"));
  }
  CHECK(is_direct("*", "anything"));
  CHECK(is_direct("*", "::1"));
  CHECK_FALSE(is_direct("", "test"));
  CHECK_FALSE(is_direct(",. ,", "test"));
  CHECK(is_direct("a, b ,c", "b"));
  CHECK(is_direct("a b\tc", "c"));
  CHECK(entry_without_proxy("a,.test", {"x.test", 1}) == ".test");
}

TEST_CASE("NO_PROXY: addresses and networks match addresses, whatever way they are written") {
  CHECK(is_direct("192.0.2.7", "192.0.2.7"));
  CHECK_FALSE(is_direct("192.0.2.7", "192.0.2.70"));
  CHECK_FALSE(is_direct("2.7", "192.0.2.7"));
  CHECK(is_direct("192.0.2.0/24", "192.0.2.255"));
  CHECK(is_direct("192.0.2.9/24", "192.0.2.255"));
  CHECK(is_direct("192.0.2.0/24", "::ffff:192.0.2.1"));
  CHECK_FALSE(is_direct("192.0.2.0/24", "192.0.3.0"));
  CHECK_FALSE(is_direct("192.0.2.0/33", "192.0.2.0"));
  CHECK_FALSE(is_direct("192.0.2.0/", "192.0.2.0"));
  CHECK(is_direct("0.0.0.0/0", "203.0.113.9"));
  CHECK_FALSE(is_direct("0.0.0.0/0", "2001:db8::1"));
  CHECK(is_direct("2001:db8::/32", "2001:db8:1::1"));
  CHECK(is_direct("[::1]", "::1"));
  CHECK(is_direct("::1", "0:0::1"));
}

TEST_CASE("NO_PROXY: a port limits an entry to itself") {
  CHECK(is_direct("test:80", "x.test", 80));
  CHECK_FALSE(is_direct("test:80", "x.test", 81));
  CHECK(is_direct("[::1]:80", "::1", 80));
  CHECK_FALSE(is_direct("[::1]:80", "::1", 443));
  CHECK(is_direct("192.0.2.7:80", "192.0.2.7", 80));
  CHECK_FALSE(is_direct("192.0.2.7:80", "192.0.2.7", 8080));
}

TEST_CASE("ALL_PROXY comes before HTTPS_PROXY, the lower case before the upper, and an empty one is none") {
  {
    Variables::clear();
    CHECK(chosen("h") == "");
  }
  {
    const Variables set{{"ALL_PROXY", "socks5h://a"}, {"HTTPS_PROXY", "http://b"}};
    CHECK(chosen("h") == "socks5h://a:1080");
  }
  {
    const Variables set{{"all_proxy", ""}, {"ALL_PROXY", "c:8080"}, {"https_proxy", "http://b"}};
    CHECK(chosen("h") == "http://c:8080");
  }
  {
    const Variables set{{"https_proxy", "http://b"}, {"HTTPS_PROXY", "http://d"}, {"NO_PROXY", "x.test,h"}};
    CHECK(chosen("i") == "http://b:3128");
    CHECK(chosen("h") == "");
    CHECK(proxy_from_environment({"h", 80}).reason == "NO_PROXY has 'h': h:80 without a proxy");
  }
  {
    const Variables set{{"ALL_PROXY", "socks://secret:word@a"}};
    CHECK_THROWS_WITH_AS(
        proxy_from_environment({"h", 80}),
        "ALL_PROXY: 'socks://a': there are the proxies socks4, socks4a, socks5, socks5h, http and https",
        BadInput);
  }
}

TEST_CASE(
    "the variables that have credentials are taken out of the environment, and overwritten where they were") {
  const Variables set{{"ALL_PROXY", "socks5h://u:p@a"}, {"https_proxy", "http://b"}};
  const char* const value = std::getenv("ALL_PROXY");
  forget_proxy_credentials();
  CHECK(std::getenv("ALL_PROXY") == nullptr);
  CHECK(std::string(std::getenv("https_proxy")) == "http://b");
  CHECK(std::string(value) == "");
}

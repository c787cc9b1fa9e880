#include "net/proxy/proxy.hpp"

#include <doctest/doctest.h>

#include "../../support/thrown.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "net/proxy/proxy_route.hpp"

using namespace sockx;
using namespace test;

namespace {

std::string refusal_of_url(const std::string& url) {
  const auto error = thrown_by<BadInput>([&] { Proxy::parse(url); });
  return error ? error->what() : "";
}

std::string refusal_of_target(const std::string& url, const std::string& host) {
  const auto error = thrown_by<BadInput>([&] { check_target(Proxy::parse(url), {host, 80}); });
  return error ? error->what() : "";
}

}  // namespace

TEST_CASE("the URL of a proxy has a kind, a host, and a port that each kind has a default for") {
  for (const auto& [url, shown] : {std::pair{"socks4://h", "socks4://h:1080"},
                                   {"socks4a://h/", "socks4a://h:1080"},
                                   {"SOCKS5://h", "socks5://h:1080"},
                                   {"socks5h://h", "socks5h://h:1080"},
                                   {"http://h", "http://h:3128"},
                                   {"https://h", "https://h:443"},
                                   {"socks5h://192.0.2.7:9050", "socks5h://192.0.2.7:9050"},
                                   {"http://[::1]", "http://[::1]:3128"},
                                   {"http://[::1]:8080/", "http://[::1]:8080"},
                                   {"http://u:p@[::1]:8080", "http://[::1]:8080"}}) {
    CAPTURE(url);
    CHECK(Proxy::parse(url).to_string() == shown);
  }
}

TEST_CASE("the credentials of a URL are decoded, and an at sign may be in them") {
  CHECK(Proxy::parse("http://u:p@h").credentials == Credentials{"u", "p"});
  CHECK(Proxy::parse("http://a%3Ab:c%40d%25%c3%A4@h").credentials == Credentials{"a:b", "c@d%\xc3\xa4"});
  CHECK(Proxy::parse("http://u:p@ss:w@h:1").credentials == Credentials{"u", "p@ss:w"});
  CHECK(Proxy::parse("http://u:p@ss:w@h:1").address() == "h:1");
  CHECK(Proxy::parse("socks4://joe@h").credentials == Credentials{"joe", ""});
  CHECK_FALSE(Proxy::parse("http://h").credentials.has_value());
  const std::string longest(255, 'x');
  CHECK(Proxy::parse("http://" + longest + ":" + longest + "@h").credentials ==
        Credentials{longest, longest});
}

TEST_CASE("the password of a URL may look like the beginning of one") {
  const auto proxy = Proxy::parse("http://mary:sec://ret@h:1");
  CHECK(proxy.credentials == Credentials{"mary", "sec://ret"});
  CHECK(proxy.to_string() == "http://h:1");
}

TEST_CASE("a wrong URL is quoted without its credentials") {
  for (const std::string url :
       {"secret:word@h:1", "socks5:/secret:word@h:1", "ftp://secret:word@h", "http://secret:word@",
        "http://secret:word@h:99999", "http://secret:word@h/path", "http://secret@h", "http://secret:@h",
        "http://:secret@h", "socks4://secret:word@h", "http://secret:%zz@h", "http://secret:w%0aord@h",
        "http://secret:word@unix:/x", "http://secret:x://word@h:99999", "http://secret:wo%4@h"}) {
    CAPTURE(url);
    const auto said = refusal_of_url(url);
    CHECK(said != "");
    CHECK(said.find("secret") == std::string::npos);
    CHECK(said.find("word@") == std::string::npos);
  }
  const std::string longer(256, 'x');
  CHECK(refusal_of_url("http://u:" + longer + "@h") ==
        "'http://h': the password has 256 bytes; it needs 1 to 255");
  CHECK(refusal_of_url("127.0.0.1:1080") ==
        "'127.0.0.1:1080': say the kind of proxy too, socks4, socks4a, socks5, socks5h, http or "
        "https://HOST:PORT");
  CHECK(refusal_of_url("SOCKS5") == "'SOCKS5': say socks5://HOST:PORT");
  CHECK(refusal_of_url("ftp://h") ==
        "'ftp://h': there are the proxies socks4, socks4a, socks5, socks5h, http and https");
  CHECK(without_credentials("http://u:p@h") == "http://h");
  CHECK(without_credentials("http://h/@") == "http://");
}

TEST_CASE(
    "a target that a proxy cannot be asked for is refused: names too long, with control bytes, and scopes") {
  for (const auto* const url : {"socks4a://h", "socks5h://h", "http://h", "socks5://h"}) {
    CAPTURE(url);
    CHECK(refusal_of_target(url, std::string(255, 'n')) == "");
    CHECK(refusal_of_target(url, "192.0.2.7") == "");
    CHECK(refusal_of_target(url, std::string(256, 'n')) ==
          "'" + std::string(60, 'n') +
              "...': the name of a host has 1 to 255 bytes for a proxy, and this has 256");
    for (const std::string& name :
         {std::string("a\0b", 3), std::string("a\nb"), std::string("a\r\nX: y"), std::string("a b"),
          std::string("a\x7f"), std::string("a\tb"), std::string("u@h"), std::string("a/b")})
      CHECK(refusal_of_target(url, name).find("a host cannot have such a name") != std::string::npos);
    CHECK(refusal_of_target(url, "fe80::1%lo").find("scope") != std::string::npos);
    CHECK(refusal_of_target(url, "fe80::1%nonesuch").find("scope") != std::string::npos);
  }
  CHECK(refusal_of_target("socks5h://h", "::1") == "");
  CHECK(refusal_of_target("http://h", "::1") == "");
  CHECK(refusal_of_target("socks4://h", "::1") ==
        "'::1': SOCKS4 has no IPv6 addresses: use a proxy of another kind than socks4");
  CHECK(refusal_of_target("socks4a://h", "::1") != "");
}

TEST_CASE("a route is called after its proxies, and each of them is asked for the next one") {
  const ProxyRoute one{{{Proxy::parse("socks5h://u:p@a:1")}}, {}};
  const ProxyRoute two{{{Proxy::parse("socks4://a:1")}, {Proxy::parse("http://[::1]:2")}}, {}};
  CHECK(one.name_of({"t", 3}) == "t:3 via proxy a:1");
  CHECK(two.name_of({"::2", 3}) == "[::2]:3 via proxies a:1, [::1]:2");
  CHECK(target_behind(one, Endpoint{HostPort{"t", 3}}).host == "t");
  CHECK_THROWS_AS(target_behind(two, Endpoint{HostPort{"t", 3}}), BadInput);
  CHECK_THROWS_AS(target_behind(one, Endpoint::parse({"unix:/x"}, Endpoint::Role::connecting)), BadInput);
  CHECK_THROWS_AS(target_behind(one, Endpoint::parse({"fd:3"}, Endpoint::Role::connecting)), BadInput);
  CHECK_THROWS_AS(target_behind(one, Endpoint::parse({"vsock:2:3"}, Endpoint::Role::connecting)), BadInput);
}

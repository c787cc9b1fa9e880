#include "net/proxy/http_connect_client.hpp"

#include <doctest/doctest.h>

#include "asking.hpp"
#include "base/text.hpp"
#include "net/proxy/proxy_refusal.hpp"

using namespace sockx;
using namespace test;

namespace {

Asked ask(const std::string& url, const std::string& answer, bool trickles = false) {
  const auto proxy = Proxy::parse(url);
  const HostPort target{"example.com", 443};
  return ask_with_answer(answer, trickles,
                         [&](Stream& stream) { return ask_http(stream, proxy, target, never); });
}

}  // namespace

TEST_CASE("CONNECT: the request for a name and an IPv6 address, with and without credentials") {
  const auto request = [](const std::string& url, const HostPort& target) {
    return connect_request(Proxy::parse(url), target);
  };
  CHECK(request("http://h", {"example.com", 443}) ==
        "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n");
  CHECK(request("http://h", {"2001:db8::1", 80}) ==
        "CONNECT [2001:db8::1]:80 HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n");
  CHECK(request("https://Aladdin:open%20sesame@h", {"192.0.2.7", 80}) ==
        "CONNECT 192.0.2.7:80 HTTP/1.1\r\nHost: 192.0.2.7:80\r\n"
        "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n");
}

TEST_CASE("CONNECT: any 2xx connects, and nothing behind the head is read, however it comes") {
  for (const std::string head :
       {"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.0 200\r\n\r\n", "HTTP/1.1 299 \r\nContent-Length: 7\r\n\r\n",
        "HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\nA: b\r\n\r\n", "HTTP/1.1 200 OK\n\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"}) {
    CAPTURE(head);
    const auto whole = ask("http://h", head + "payload");
    CHECK(whole.reason() == "");
    CHECK(whole.rest == "payload");
    CHECK(whole.is_plain);
    CHECK(whole.sent == "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n");
    CHECK(ask("http://h", head, true).reason() == "");
    for (std::size_t size = 0; size < head.size(); ++size)
      CHECK(ask("http://h", head.substr(0, size)).reason() ==
            "the proxy closed the connection before its answer was complete");
  }
}

TEST_CASE("CONNECT: a refusal quotes the status line, made safe for a terminal") {
  const auto refusal = [](const std::string& line, const std::string& url = "http://h") {
    return ask(url, line + "\r\nContent-Length: 100\r\n\r\n").reason();
  };
  CHECK(refusal("HTTP/1.1 403 Forbidden") == "the proxy answered: HTTP/1.1 403 Forbidden");
  CHECK(refusal("HTTP/1.1 502") == "the proxy answered: HTTP/1.1 502");
  CHECK(refusal("HTTP/1.1 101 Switching Protocols") ==
        "the proxy answered: HTTP/1.1 101 Switching Protocols");
  CHECK(refusal("HTTP/1.1 503 \x1b[31mred\x07") == "the proxy answered: HTTP/1.1 503 ?[31mred?");
  CHECK(refusal("HTTP/1.1 500 " + std::string(1000, 'x')) ==
        "the proxy answered: HTTP/1.1 500 " + std::string(187, 'x') + "...");
  CHECK(refusal("HTTP/1.1 407 Who?") == "the proxy requires credentials: HTTP/1.1 407 Who?");
  CHECK(refusal("HTTP/1.1 407 No", "http://u:p@h") ==
        "the proxy refuses the user name or the password: HTTP/1.1 407 No");
  for (const auto& [code, passes] :
       {std::pair{400, false}, {403, false}, {408, true}, {429, true}, {502, true}}) {
    CAPTURE(code);
    try {
      std::rethrow_exception(ask("http://h", text("HTTP/1.1 {} X\r\n\r\n", code)).failure);
    } catch (const ProxyRefusal& error) {
      CHECK(error.may_pass() == passes);
      CHECK(error.reply() == text("HTTP/1.1 {} X", code));
    }
  }
}

TEST_CASE("CONNECT: an answer that is no HTTP is told at once, without waiting for a line") {
  CHECK(ask("http://h", "SSH-2.0-x\r\n").reason() ==
        "the proxy does not speak HTTP: its answer begins with 53 53 48 2d 32");
  CHECK(ask("http://h", "\5\xff").reason() == "the proxy does not speak HTTP: its answer begins with 05 ff");
  CHECK(
      ask("http://h", "\x15\x03\x03").reason() ==
      "the proxy does not speak HTTP: its answer begins with 15 03 03, as an alert of TLS does: say https:// "
      "for its URL");
  for (const std::string line : {"HTTP/2 200 OK", "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTP/1.1 099 OK",
                                 "HTTP/1.1  200 OK", "HTTP/1.1", "HTTP/1.1 -20 OK", "HTTP/1.1 200OK"})
    CHECK(ask("http://h", line + "\r\n\r\n").reason() ==
          "the proxy's answer is no status line of HTTP/1: " + line);
  std::string endless;
  for (int i = 0; i < 20; ++i) endless += "HTTP/1.1 100 Continue\r\n\r\n";
  CHECK(ask("http://h", endless).reason() == "the proxy sends interim answers and no final one");
}

#include "net/proxy/socks_client.hpp"

#include <doctest/doctest.h>

#include "asking.hpp"
#include "base/text.hpp"
#include "base/words.hpp"
#include "net/proxy/proxy_refusal.hpp"
#include "net/proxy/socks.hpp"

using namespace sockx;
using namespace test;

namespace {

std::string bytes(std::string_view digits) { return parse_hexadecimal(digits, " ").value(); }

Asked ask(const std::string& url, const HostPort& target, const std::string& answer, bool trickles = false) {
  const auto proxy = Proxy::parse(url);
  return ask_with_answer(answer, trickles,
                         [&](Stream& stream) { return ask_socks(stream, proxy, target, never); });
}

const HostPort by_name{"example.com", 443};

}  // namespace

TEST_CASE("SOCKS5: the messages for a name, an IPv4 address and an IPv6 address, byte by byte") {
  CHECK(hexadecimal(socks5_greeting(false), " ") == "05 01 00");
  CHECK(hexadecimal(socks5_greeting(true), " ") == "05 02 00 02");
  CHECK(hexadecimal(socks5_credentials({"ab", "xyz"}), " ") == "01 02 61 62 03 78 79 7a");
  CHECK(hexadecimal(socks5_request(by_name), " ") == "05 01 00 03 0b 65 78 61 6d 70 6c 65 2e 63 6f 6d 01 bb");
  CHECK(hexadecimal(socks5_request({"192.0.2.7", 80}), " ") == "05 01 00 01 c0 00 02 07 00 50");
  CHECK(hexadecimal(socks5_request({"2001:db8::1", 65535}), " ") ==
        "05 01 00 04 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01 ff ff");
  const std::string longest(255, 'n');
  CHECK(socks5_request({longest, 1}) == bytes("05 01 00 03 ff") + longest + bytes("00 01"));
  CHECK(socks5_credentials({longest, longest}) == bytes("01 ff") + longest + bytes("ff") + longest);
}

TEST_CASE("SOCKS4: the messages with and without a user, and those of 4a for a name") {
  const auto message = [](const std::string& url, const HostPort& target) {
    return hexadecimal(socks4_request(Proxy::parse(url), target), " ");
  };
  CHECK(message("socks4://h", {"192.0.2.7", 80}) == "04 01 00 50 c0 00 02 07 00");
  CHECK(message("socks4://joe@h", {"192.0.2.7", 80}) == "04 01 00 50 c0 00 02 07 6a 6f 65 00");
  CHECK(message("socks4a://joe@h", by_name) ==
        "04 01 01 bb 00 00 00 01 6a 6f 65 00 65 78 61 6d 70 6c 65 2e 63 6f 6d 00");
  CHECK(message("socks4a://h", {"192.0.2.7", 80}) == "04 01 00 50 c0 00 02 07 00");
}

TEST_CASE("SOCKS: nothing behind the answer is read, whatever address is in it, and however it comes") {
  struct Row {
    std::string url, sent, answer;
  };
  const auto request = "05 01 00 03 0b 65 78 61 6d 70 6c 65 2e 63 6f 6d 01 bb";
  for (const auto& row : {
           Row{"socks5h://h", text("05 01 00 {}", request), "05 00 05 00 00 01 7f 00 00 01 04 38"},
           Row{"socks5h://h", text("05 01 00 {}", request),
               "05 00 05 00 00 04 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01 04 38"},
           Row{"socks5h://h", text("05 01 00 {}", request), "05 00 05 00 00 03 03 61 2e 62 04 38"},
           Row{"socks5h://h", text("05 01 00 {}", request), "05 00 05 00 00 03 00 04 38"},
           Row{"socks5h://u:p@h", text("05 02 00 02 01 01 75 01 70 {}", request),
               "05 02 01 00 05 00 00 01 7f 00 00 01 04 38"},
           Row{"socks5h://u:p@h", text("05 02 00 02 {}", request), "05 00 05 00 00 01 7f 00 00 01 04 38"},
           Row{"socks4a://h", "04 01 01 bb 00 00 00 01 00 65 78 61 6d 70 6c 65 2e 63 6f 6d 00",
               "00 5a 04 38 7f 00 00 01"},
       }) {
    CAPTURE(row.answer);
    const auto whole = ask(row.url, by_name, bytes(row.answer) + "payload");
    CHECK(whole.reason() == "");
    CHECK(hexadecimal(whole.sent, " ") == row.sent);
    CHECK(whole.rest == "payload");
    CHECK(whole.is_plain);
    const auto trickled = ask(row.url, by_name, bytes(row.answer), true);
    CHECK(trickled.reason() == "");
    CHECK(hexadecimal(trickled.sent, " ") == row.sent);
    for (std::size_t size = 0; size < bytes(row.answer).size(); ++size) {
      const auto cut = ask(row.url, by_name, bytes(row.answer).substr(0, size));
      CHECK(cut.reason() == "the proxy closed the connection before its answer was complete");
    }
  }
}

TEST_CASE("SOCKS5: each reply has its name, and only some may pass") {
  for (int reply = 1; reply < 256; ++reply) {
    CAPTURE(reply);
    const auto asked = ask("socks5h://h", by_name, bytes(text("05 00 05 {:02x}", reply)));
    const auto name = std::string(socks::name_of_reply(static_cast<std::uint8_t>(reply)));
    CHECK(asked.reason() == text("{} (SOCKS5 reply {})", name, reply));
    try {
      std::rethrow_exception(asked.failure);
    } catch (const ProxyRefusal& refusal) {
      CHECK(refusal.may_pass() == (reply == 1 || (reply >= 3 && reply <= 6)));
    }
  }
  CHECK(ask("socks5h://h", by_name, bytes("05 00 05 04")).reason() == "host unreachable (SOCKS5 reply 4)");
}

TEST_CASE("SOCKS4: each reply has its name") {
  CHECK(ask("socks4a://h", by_name, bytes("00 5b")).reason() ==
        "request rejected or failed (SOCKS4 reply 91)");
  CHECK(ask("socks4a://h", by_name, bytes("00 5c 00 00 00 00 00 00")).reason() ==
        "request rejected because the SOCKS server cannot connect to identd on the client (SOCKS4 reply 92)");
  CHECK(ask("socks4a://h", by_name, bytes("00 5d")).reason() ==
        "request rejected because the client program and identd report different user-ids (SOCKS4 reply 93)");
  CHECK(ask("socks4a://h", by_name, bytes("00 5e")).reason() == "unassigned (SOCKS4 reply 94)");
}

TEST_CASE(
    "SOCKS: credentials that are missing or refused, and answers that are none, have words of their own") {
  CHECK(ask("socks5h://h", by_name, bytes("05 ff")).reason() == "the proxy requires credentials");
  CHECK(ask("socks5h://u:p@h", by_name, bytes("05 ff")).reason() ==
        "the proxy accepts neither a user name and password nor a client without them");
  CHECK(ask("socks5h://u:p@h", by_name, bytes("05 02 01 01")).reason() ==
        "the proxy refuses the user name or the password (status 1)");
  CHECK(ask("socks5h://h", by_name, bytes("05 02")).reason() ==
        "the proxy chose the authentication method 2, which it was not offered");
  CHECK(ask("socks5h://u:p@h", by_name, bytes("05 01")).reason() ==
        "the proxy chose the authentication method 1, which it was not offered");
  CHECK(ask("socks5h://h", by_name, "HTTP/1.1 400 Bad Request\r\n\r\n").reason() ==
        "the proxy does not speak SOCKS5: its answer begins with byte 0x48, as that of an HTTP proxy does");
  CHECK(ask("socks4a://h", by_name, bytes("05 ff")).reason() ==
        "the proxy does not speak SOCKS4: its answer begins with byte 0x05");
  CHECK(ask("socks5h://h", by_name, bytes("05 00 04 00")).reason() ==
        "the proxy does not speak SOCKS5: its answer begins with byte 0x04");
  CHECK(ask("socks5h://h", by_name, bytes("05 00 05 00 00 02 00 00")).reason() ==
        "the proxy's answer has an address of unknown type 2");
}

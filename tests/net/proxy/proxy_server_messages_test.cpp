// What the clients of a proxy say and are told, byte by byte.
#include <doctest/doctest.h>
#include <sys/socket.h>

#include "../../support/descriptors.hpp"
#include "../../support/far_ends.hpp"
#include "../../support/thrown.hpp"
#include "base/words.hpp"
#include "flow/event_loop.hpp"
#include "flow/task_group.hpp"
#include "net/address/lookups.hpp"
#include "net/address/numeric_address.hpp"
#include "net/proxy/proxy_request.hpp"
#include "net/proxy/proxy_users.hpp"
#include "net/proxy/socks.hpp"
#include "net/proxy/socks_server.hpp"

using namespace sockx;
using namespace test;

namespace {

const ProxyUsers& users() {
  static const ProxyUsers known(std::vector<Credentials>{{"ann", "secret"}, {"bob", "pass:word"}});
  return known;
}

/// A client that says `bytes`, which may come one by one, and perhaps ends then.
struct Asking {
  explicit Asking(std::string bytes, const ProxyUsers* known = nullptr, bool has_end = false,
                  bool is_slow = false)
      : stream(loop, std::move(sockets.ours), "client", Origin::peer), far(std::move(sockets.theirs)) {
    const auto speak = [](EventLoop& running, int fd, std::string said, bool ends, bool slowly) -> Task<> {
      for (std::size_t i = 0; i < said.size();) {
        const auto put = send(fd, said.data() + i, slowly ? 1 : said.size() - i, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (put > 0) i += static_cast<std::size_t>(put);
        co_await running.next_turn();
        co_await running.next_turn();
      }
      if (ends) shutdown(fd, SHUT_WR);
    };
    const auto read = [](Asking& self, const ProxyUsers* of) -> Task<> {
      self.request = co_await read_proxy_request(self.stream, of, never);
    };
    try {
      loop.run(all(speak(loop, far.get(), std::move(bytes), has_end, is_slow), read(*this, known)));
    } catch (const ProxyClientError& refusal) {
      reason = refusal.what();
      reply = refusal.reply();
    }
  }
  std::string rest() const { return read_available(stream.facts().fd); }
  std::string answered() const { return hexadecimal(read_available(far.get())); }

  EventLoop loop;
  SocketEnds sockets = tcp_pair();
  Stream stream;
  UniqueFd far;
  std::optional<ProxyRequest> request;
  std::string reason, reply;
};

std::string bytes_of(const std::string& digits) { return parse_hexadecimal(digits, " ").value(); }

/// The host and port that the bytes ask for.
std::string target_of(const std::string& digits, const ProxyUsers* known = nullptr) {
  std::string shown;
  for (const bool is_slow : {false, true}) {
    Asking asking(bytes_of(digits) + "glued", known, false, is_slow);
    if (!asking.request) return "refused: " + asking.reason + ": " + hexadecimal(asking.reply, " ");
    CHECK(asking.stream.is_plain());
    CHECK(asking.rest() == "glued");
    shown = asking.request->shown();
  }
  return shown;
}

Address bound_to(const std::string& words) { return parse_address(words).address; }

ProxyRequest request_by(ProxyProtocol protocol) { return {protocol, {"example.com", 443}, ""}; }

std::string http(const std::string& head, const ProxyUsers* known = nullptr) {
  Asking asking(head + "\r\n", known);
  if (asking.request) return asking.request->shown();
  CHECK(asking.reply.ends_with("\n"));
  return asking.reply.substr(0, asking.reply.find('\r')) + ": " + asking.reason;
}

}  // namespace

TEST_CASE("SOCKS 4: a client asks for an address, or as 4a for a name, and nothing behind is read") {
  CHECK(target_of("04 01 0050 c0000207 00") == "192.0.2.7:80");
  CHECK(target_of("04 01 01bb c0000207 616e6e 00") == "192.0.2.7:443");
  CHECK(target_of("04 01 01bb 00000001 616e6e 00 6578616d706c652e636f6d 00") == "example.com:443");
  CHECK(target_of("04 01 01bb 000000ff 00 3132372e31 00") == "127.1:443");
  // Bytes behind the NUL of a name are none of the name.
  Asking asking(bytes_of("04 01 01bb 00000001 00 6c6f63616c686f7374 00") + ".example.com");
  CHECK(asking.request->shown() == "localhost:443");
  CHECK(asking.rest() == ".example.com");
  CHECK(target_of("04 02 0050 c0000207 00") ==
        "refused: it asks for BIND, and this proxy has CONNECT only: 00 5b 00 00 00 00 00 00");
  CHECK(target_of("04 01 0000 c0000207 00") ==
        "refused: '192.0.2.7:0' is no host and port: 00 5b 00 00 00 00 00 00");
  CHECK(target_of("04 01 0050 00000001 00 00") ==
        "refused: ':80' is no host and port: 00 5b 00 00 00 00 00 00");
  CHECK(
      target_of("04 01 0050 c0000207 00", &users()) ==
      "refused: it speaks SOCKS4, which has no password, and there are users here: 00 5b 00 00 00 00 00 00");
  const auto name = [](std::size_t size) {
    return Asking(bytes_of("04 01 01bb 00000001 00") + std::string(size, 'x') + '\0');
  };
  CHECK(name(255).request->target.host.size() == 255);
  CHECK(name(256).reason == "a text of its request has more than 255 bytes");
}

TEST_CASE("SOCKS 5: a client asks for an address of either family or for a name") {
  const std::string hello = "05 01 00 ";
  CHECK(target_of(hello + "05 01 00 01 c0000207 0050") == "192.0.2.7:80");
  CHECK(target_of(hello + "05 01 00 04 20010db8000000000000000000000001 01bb") == "[2001:db8::1]:443");
  CHECK(target_of(hello + "05 01 00 04 00000000000000000000ffff7f000001 01bb") == "127.0.0.1:443");
  CHECK(target_of(hello + "05 01 00 03 0b 6578616d706c652e636f6d 01bb") == "example.com:443");
  CHECK(target_of("05 03 01 02 00 05 01 00 01 c0000207 0050") == "192.0.2.7:80");
  CHECK(target_of(hello + "05 03 00 01 00000000 0000") ==
        "refused: it asks for UDP ASSOCIATE, and this proxy has CONNECT only: 05 07 00 01 00 00 00 00 00 00");
  CHECK(target_of(hello + "05 02 00 01 c0000207 0050") ==
        "refused: it asks for BIND, and this proxy has CONNECT only: 05 07 00 01 00 00 00 00 00 00");
  CHECK(target_of(hello + "05 09 00 01 c0000207 0050") ==
        "refused: it asks for a command that is not known, and this proxy has CONNECT only: "
        "05 07 00 01 00 00 00 00 00 00");
  CHECK(target_of(hello + "05 01 00 05") ==
        "refused: its target has the address type 5, which is not known: 05 08 00 01 00 00 00 00 00 00");
  CHECK(target_of(hello + "04 01 00 01") ==
        "refused: its request has the version 4: 05 01 00 01 00 00 00 00 00 00");
  CHECK(target_of(hello + "05 01 00 03 00 01bb") ==
        "refused: ':443' is no host and port: 05 01 00 01 00 00 00 00 00 00");
  CHECK(target_of(hello + "05 01 00 03 04 61006263 01bb") ==
        "refused: 'a\\x00bc:443' is no host and port: 05 01 00 01 00 00 00 00 00 00");
  CHECK(target_of(hello + "05 01 00 03 03 610a62 01bb") ==
        "refused: 'a\\x0ab:443' is no host and port: 05 01 00 01 00 00 00 00 00 00");
  CHECK(target_of("05 01 02") ==
        "refused: it offers only a user name and password, and this proxy has no users: 05 ff");
  CHECK(target_of("05 00") ==
        "refused: it offers only a user name and password, and this proxy has no users: 05 ff");
}

TEST_CASE("SOCKS 5: with users a client has to be one of them") {
  const std::string request = " 05 01 00 01 c0000207 0050";
  Asking ann(bytes_of("05 02 00 02 01 03 616e6e 06 736563726574" + request), &users());
  CHECK(ann.request->user == "ann");
  CHECK(ann.answered() == "05020100");
  CHECK(target_of("05 01 02 01 03 626f62 09 706173733a776f7264" + request, &users()) == "192.0.2.7:80");
  for (const auto* wrong :
       {"01 03 616e6e 06 736563726575", "01 03 616e6e 05 7365637265", "01 03 616e6e 07 73656372657400",
        "01 03 626f62 06 736563726574", "01 00 00", "01 03 616e6e 00"})
    CHECK(target_of("05 01 02 " + std::string(wrong) + request, &users()) ==
          "refused: its user or password is wrong: 01 01");
  CHECK(target_of("05 01 02 05 03 616e6e 06 736563726574", &users()) ==
        "refused: it asks for version 5 of the user and password: 01 01");
  CHECK(target_of("05 01 00", &users()) == "refused: it does not offer a user and password: 05 ff");
}

TEST_CASE("SOCKS: the replies have the bound address, and a failure its number") {
  const auto v4 = bound_to("192.0.2.9:40000"), v6 = bound_to("[2001:db8::9]:40000");
  const auto granted = [](ProxyProtocol protocol, const Address& bound) {
    return hexadecimal(grant(request_by(protocol), bound), " ");
  };
  CHECK(granted(ProxyProtocol::socks4, v4) == "00 5a 9c 40 c0 00 02 09");
  CHECK(granted(ProxyProtocol::socks4a, v6) == "00 5a 9c 40 00 00 00 00");
  CHECK(granted(ProxyProtocol::socks5, v4) == "05 00 00 01 c0 00 02 09 9c 40");
  CHECK(granted(ProxyProtocol::socks5, v6) ==
        "05 00 00 04 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 09 9c 40");
  CHECK(granted(ProxyProtocol::socks5, Address::unix_name("/x")) == "05 00 00 01 00 00 00 00 00 00");
  const auto refused = [](ProxyProtocol protocol, ProxyFailure failure) {
    return hexadecimal(refusal(request_by(protocol), failure, "why"), " ");
  };
  struct Row {
    ProxyFailure failure;
    const char* number;
  };
  for (const auto& [failure, number] : {Row{ProxyFailure::denied, "02"}, Row{ProxyFailure::no_network, "03"},
                                        Row{ProxyFailure::no_host, "04"}, Row{ProxyFailure::refused, "05"},
                                        Row{ProxyFailure::timed_out, "06"}, Row{ProxyFailure::no_room, "01"},
                                        Row{ProxyFailure::other, "01"}}) {
    CHECK(refused(ProxyProtocol::socks5, failure) ==
          "05 " + std::string(number) + " 00 01 00 00 00 00 00 00");
    CHECK(refused(ProxyProtocol::socks4, failure) == "00 5b 00 00 00 00 00 00");
    CHECK(refused(ProxyProtocol::socks4a, failure) == "00 5b 00 00 00 00 00 00");
  }
}

TEST_CASE("a failure of dialing is told as what it is") {
  const auto kind_of = [](auto failure) { return failure_of(std::make_exception_ptr(std::move(failure))); };
  CHECK(kind_of(ProxyDenial("x")) == ProxyFailure::denied);
  CHECK(kind_of(TimedOut("x")) == ProxyFailure::timed_out);
  CHECK(kind_of(ResolveError("x", "EAI_NONAME", "x")) == ProxyFailure::no_host);
  CHECK(kind_of(Error(ENETUNREACH, "x")) == ProxyFailure::no_network);
  CHECK(kind_of(Error(EAFNOSUPPORT, "x")) == ProxyFailure::no_network);
  CHECK(kind_of(Error(EHOSTUNREACH, "x")) == ProxyFailure::no_host);
  CHECK(kind_of(Error(ECONNREFUSED, "x")) == ProxyFailure::refused);
  CHECK(kind_of(Error(ETIMEDOUT, "x")) == ProxyFailure::timed_out);
  CHECK(kind_of(Error(EMFILE, "x")) == ProxyFailure::no_room);
  CHECK(kind_of(Error(EPERM, "x")) == ProxyFailure::other);
  CHECK(kind_of(std::runtime_error("x")) == ProxyFailure::other);
}

TEST_CASE("HTTP: CONNECT asks for a host and a port, and nothing behind the head is read") {
  for (const bool is_slow : {false, true}) {
    Asking asking("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n\x16glued", nullptr,
                  false, is_slow);
    CHECK(asking.request->shown() == "example.com:443");
    CHECK(asking.rest() == "\x16glued");
    CHECK(asking.answered().empty());
  }
  CHECK(http("CONNECT 192.0.2.7:80 HTTP/1.0\r\n") == "192.0.2.7:80");
  CHECK(http("CONNECT [2001:db8::1]:80 HTTP/1.1\n\n") == "[2001:db8::1]:80");
  for (const auto* target : {"example.com", "example.com:", "example.com:0", "example.com:65536", ":443",
                             "example.com:http", "::1:80", "[::1]", "[example.com]:80", "[1::2::3]:80",
                             "a/b:80", "http://example.com:80", "user@example.com:80", "a\x01:80", "unix:/x"})
    CHECK(http(std::string("CONNECT ") + target + " HTTP/1.1\r\n").starts_with("HTTP/1.1 400 Bad Request: "));
  CHECK(http("CONNECT a:1 HTTP/2.0\r\n") ==
        "HTTP/1.1 505 HTTP Version Not Supported: it speaks HTTP/2.0, and this proxy HTTP/1.1");
  CHECK(http("CONNECT a:1\r\n").starts_with("HTTP/1.1 400 Bad Request: "));
  CHECK(http("CONNECT  a:1 HTTP/1.1\r\n").starts_with("HTTP/1.1 400 Bad Request: "));
  CHECK(http("CONNECT a:1 HTTP/1.1 x\r\n").starts_with("HTTP/1.1 400 Bad Request: "));
  CHECK(http("CONNECT a:1 HTTP/1.1\r\nno field\r\n") ==
        "HTTP/1.1 400 Bad Request: a line of its header is not a header field");
  CHECK(http("CONNECT a:1 HTTP/1.1\r\nA: b\r\n folded: c\r\n").starts_with("HTTP/1.1 400 Bad Request: "));
  CHECK(http("GET / HTTP/1.1\r\n") ==
        "HTTP/1.1 405 Method Not Allowed: it asks for GET, and this proxy has CONNECT only");
  CHECK(http("BREW / HTTP/1.1\r\n") ==
        "HTTP/1.1 501 Not Implemented: it asks for BREW, and this proxy has CONNECT only");
  CHECK(http("connect a:1 HTTP/1.1\r\n").starts_with("HTTP/1.1 501 "));
}

TEST_CASE("HTTP: with users a client has to be one of them") {
  const std::string start = "CONNECT example.com:443 HTTP/1.1\r\n";
  // ann:secret and bob:pass:word in base64.
  CHECK(http(start + "Proxy-Authorization: Basic YW5uOnNlY3JldA==\r\n", &users()) == "example.com:443");
  CHECK(http(start + "proxy-authorization:basic Ym9iOnBhc3M6d29yZA==\r\n", &users()) == "example.com:443");
  CHECK(http(start, &users()) ==
        "HTTP/1.1 407 Proxy Authentication Required: a user and password are needed");
  for (const auto* value : {"Basic YW5uOnNlY3JldQ==", "Basic", "Basic !", "Bearer YW5uOnNlY3JldA==", "",
                            "Basic YW5u", "YW5uOnNlY3JldA=="})
    CHECK(http(start + "Proxy-Authorization: " + value + "\r\n", &users()) ==
          "HTTP/1.1 407 Proxy Authentication Required: its user or password is wrong");
  CHECK(http(start + "Authorization: Basic YW5uOnNlY3JldA==\r\n", &users()).starts_with("HTTP/1.1 407 "));
  // Who is not admitted learns nothing else.
  CHECK(http("GET / HTTP/1.1\r\n", &users()).starts_with("HTTP/1.1 407 "));
  const Asking asking(start + "\r\n", &users());
  CHECK(asking.reply ==
        "HTTP/1.1 407 Proxy Authentication Required\r\n"
        "Proxy-Authenticate: Basic realm=\"sockx\", charset=\"UTF-8\"\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 31\r\nConnection: close\r\n\r\n"
        "a user and password are needed\n");
}

TEST_CASE("HTTP: the answers") {
  const auto request = request_by(ProxyProtocol::http);
  CHECK(grant(request, bound_to("192.0.2.9:1")) == "HTTP/1.1 200 Connection established\r\n\r\n");
  CHECK(refusal(request, ProxyFailure::denied, "denied\r\nX: y\x1b[2J") ==
        "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 17\r\n"
        "Connection: close\r\n\r\ndenied??X: y?[2J\n");
  for (const auto& [failure, status] : {std::pair{ProxyFailure::no_network, "502 Bad Gateway"},
                                        {ProxyFailure::no_host, "502 Bad Gateway"},
                                        {ProxyFailure::refused, "502 Bad Gateway"},
                                        {ProxyFailure::timed_out, "504 Gateway Timeout"},
                                        {ProxyFailure::no_room, "503 Service Unavailable"},
                                        {ProxyFailure::other, "502 Bad Gateway"}})
    CHECK(refusal(request, failure, "why").starts_with(std::string("HTTP/1.1 ") + status + "\r\n"));
}

TEST_CASE("HTTP: a head of more than 64 KiB is refused, and one without an end is not") {
  Asking long_head("CONNECT a:1 HTTP/1.1\r\nA: " + std::string(70'000, 'x'));
  CHECK(long_head.reply.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"));
  Asking unfinished("CONNECT a:1 HTTP/1.1\r\nA: b\r\n", nullptr, true);
  CHECK(unfinished.reason == "it ended the connection within its request");
  CHECK(unfinished.reply.empty());
}

TEST_CASE("a client of a proxy that speaks something else is told nothing") {
  CHECK(target_of("16 03 01") == "refused: it speaks TLS, and this proxy does not: ");
  CHECK(target_of("06") == "refused: it speaks neither SOCKS nor HTTP: its first byte is 0x06: ");
  CHECK(target_of("00").starts_with("refused: it speaks neither SOCKS nor HTTP"));
  Asking silent("", nullptr, true);
  CHECK_FALSE(silent.request.has_value());
  CHECK(silent.reason.empty());
  for (const auto* beginning :
       {"04", "04 01 0050 c0000207", "05", "05 01 00 05 01", "05 01 00 05 01 00 03 05 61"})
    CHECK(Asking(bytes_of(beginning), nullptr, true).reason == "it ended the connection within its request");
}

// The PROXY header: its bytes in both versions, what is refused, and the layers that send and read it.
#include "net/proxy/proxy_header.hpp"

#include <doctest/doctest.h>

#include <csignal>

#include "../../support/connections.hpp"
#include "../../support/descriptors.hpp"
#include "../../support/far_ends.hpp"
#include "../../support/ports.hpp"
#include "../../support/said_of.hpp"
#include "flow/task_group.hpp"
#include "net/address/numeric_address.hpp"
#include "net/proxy/proxy_header_layers.hpp"

using namespace sockx;
using namespace test;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

using Version = ProxyHeaderVersion;

const auto v2_signature = "\r\n\r\n\0\r\nQUIT\n"s;

Address address_at(const std::string& host, std::uint16_t port) {
  return numeric_address(host).value().with_port(port);
}

ProxyHeader proxied(Version version, const Address& source, const Address& destination) {
  return {version, false, ConnectionEnds{source, destination}};
}

std::string two_octets(std::size_t number) {
  return {static_cast<char>(number >> 8), static_cast<char>(number & 0xff)};
}

/// Version and command, family and transport; then what follows the length.
std::string v2(unsigned char command, unsigned char family, const std::string& block) {
  return v2_signature + static_cast<char>(command) + static_cast<char>(family) + two_octets(block.size()) +
         block;
}

const auto addresses_v4 = "\xc0\x00\x02\x01\xc6\x33\x64\x07\xc7\x38\x01\xbb"s;
const auto addresses_v6 =
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\xff\xff\x00\x00"s;

std::string unix_block(std::string source, std::string destination) {
  source.resize(108);
  destination.resize(108);
  return source + destination;
}

std::string shown_ends(const ProxyHeader& header) {
  return header.ends ? header.ends->source.to_string() + " > " + header.ends->destination.to_string() : "";
}

std::string told_by(const std::string& header) { return shown_ends(parse_proxy_header(header)); }

/// Why it is refused: by its beginning, or as a whole.
std::string why_refused(const std::string& header) {
  try {
    const auto size = size_of_proxy_header(header);
    if (!size) return "not whole";
    parse_proxy_header(header.substr(0, *size));
  } catch (const BadProxyHeader& bad) {
    return bad.what();
  }
  return "";
}

}  // namespace

TEST_CASE("proxy header: the bytes of version 1") {
  CHECK(encode(proxied(Version::v1, address_at("192.0.2.1", 51000), address_at("198.51.100.7", 443))) ==
        "PROXY TCP4 192.0.2.1 198.51.100.7 51000 443\r\n");
  CHECK(encode(proxied(Version::v1, address_at("2001:db8::1", 65535), address_at("::1", 0))) ==
        "PROXY TCP6 2001:db8::1 ::1 65535 0\r\n");
  CHECK(encode(proxied(Version::v1, address_at("fe80::1%1", 1), address_at("fe80::2%1", 2))) ==
        "PROXY TCP6 fe80::1 fe80::2 1 2\r\n");
  CHECK(encode(proxied(Version::v1, address_at("::ffff:192.0.2.1", 1), address_at("::ffff:192.0.2.2", 2))) ==
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n");
  CHECK(encode(proxied(Version::v1, address_at("192.0.2.1", 1), address_at("2001:db8::2", 2))) ==
        "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 1 2\r\n");
  const auto path = Address::unix_name("/run/x");
  CHECK(encode(proxied(Version::v1, path, path)) == "PROXY UNKNOWN\r\n");
  CHECK(encode({Version::v1, false, {}}) == "PROXY UNKNOWN\r\n");
}

TEST_CASE("proxy header: the bytes of version 2") {
  CHECK(encode(proxied(Version::v2, address_at("192.0.2.1", 51000), address_at("198.51.100.7", 443))) ==
        v2(0x21, 0x11, addresses_v4));
  CHECK(encode(proxied(Version::v2, address_at("::ffff:192.0.2.1", 51000),
                       address_at("::ffff:198.51.100.7", 443))) == v2(0x21, 0x11, addresses_v4));
  CHECK(encode(proxied(Version::v2, address_at("2001:db8::1", 65535), address_at("2001:db8::2", 0))) ==
        v2(0x21, 0x21, addresses_v6));
  CHECK(encode(proxied(Version::v2, Address::unix_name("/run/client"), Address::unix_name("@server"))) ==
        v2(0x21, 0x31, unix_block("/run/client", "\0server"s)));
  CHECK(encode({Version::v2, true, {}}) == v2(0x20, 0x00, ""));
  CHECK(encode({Version::v2, false, {}}) == v2(0x21, 0x00, ""));
  CHECK(encode(proxied(Version::v2, Address::vsock(2, 9), Address::vsock(3, 9))) == v2(0x21, 0x00, ""));
  CHECK(encode(proxied(Version::v2, address_at("192.0.2.1", 1), Address::unix_name("@x"))) ==
        v2(0x21, 0x00, ""));
}

TEST_CASE("proxy header: what version 1 tells") {
  CHECK(told_by("PROXY TCP4 192.0.2.1 198.51.100.7 51000 443\r\n") == "192.0.2.1:51000 > 198.51.100.7:443");
  CHECK(told_by("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n") ==
        "255.255.255.255:65535 > 255.255.255.255:65535");
  const auto longest = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"s;
  CHECK(told_by("PROXY TCP6 " + longest + " " + longest + " 65535 65535\r\n") ==
        "[" + longest + "]:65535 > [" + longest + "]:65535");
  CHECK(told_by("PROXY TCP6 2001:DB8::1 ::1 0 1\r\n") == "[2001:db8::1]:0 > [::1]:1");
  CHECK(told_by("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.2 1 2\r\n") == "192.0.2.1:1 > 192.0.2.2:2");
  for (const auto& unknown :
       {"PROXY UNKNOWN\r\n"s, "PROXY UNKNOWN " + longest + " " + longest + " 65535 65535\r\n",
        "PROXY UNKNOWN \0 \n\x1b anything\r\n"s}) {
    const auto header = parse_proxy_header(unknown);
    CHECK_FALSE(header.ends);
    CHECK_FALSE(header.is_local);
    CHECK(header.version == Version::v1);
  }
}

TEST_CASE("proxy header: what version 2 tells") {
  CHECK(told_by(v2(0x21, 0x11, addresses_v4)) == "192.0.2.1:51000 > 198.51.100.7:443");
  CHECK(told_by(v2(0x21, 0x12, addresses_v4)) == "192.0.2.1:51000 > 198.51.100.7:443");
  CHECK(told_by(v2(0x21, 0x21, addresses_v6)) == "[2001:db8::1]:65535 > [2001:db8::2]:0");
  CHECK(told_by(v2(0x21, 0x22, addresses_v6)) == "[2001:db8::1]:65535 > [2001:db8::2]:0");
  CHECK(told_by(v2(0x21, 0x31, unix_block("/run/client", "\0server"s))) == "unix:/run/client > unix:@server");
  CHECK(told_by(v2(0x21, 0x32, unix_block("", ""))) == "unix:(unnamed) > unix:(unnamed)");
  CHECK(told_by(v2(0x21, 0x31, unix_block("/run/a\0behind"s, std::string(108, 'x')))) ==
        "unix:/run/a > unix:" + std::string(108, 'x'));
  CHECK(told_by(v2(0x21, 0x31, unix_block("/run/\x1b\n", "@x"))) == "unix:/run/\\x1b\\x0a > unix:./@x");
  for (const auto& local : {v2(0x20, 0x00, ""), v2(0x20, 0x11, addresses_v4), v2(0x20, 0xff, "anything"),
                            v2(0x20, 0x11, "short")}) {
    CHECK(parse_proxy_header(local).is_local);
    CHECK_FALSE(parse_proxy_header(local).ends);
  }
  for (const auto& unknown : {v2(0x21, 0x00, ""), v2(0x21, 0x00, "anything")}) {
    CHECK_FALSE(parse_proxy_header(unknown).is_local);
    CHECK_FALSE(parse_proxy_header(unknown).ends);
  }
}

TEST_CASE("proxy header: TLVs are skipped, and a checksum is checked") {
  const auto skipped = "\x01\0\2h2"s + "\x20\0\5\0\0\0\0\0"s + "\xee\0\0"s;
  CHECK(told_by(v2(0x21, 0x11, addresses_v4 + skipped)) == "192.0.2.1:51000 > 198.51.100.7:443");
  const auto longest = "\x04"s + two_octets(65535 - 12 - 3) + std::string(65535 - 12 - 3, '\0');
  CHECK(told_by(v2(0x21, 0x11, addresses_v4 + longest)) == "192.0.2.1:51000 > 198.51.100.7:443");
  // computed by another program, over the header with zeros in the place of the checksum
  const auto summed = v2(0x21, 0x11, addresses_v4 + "\3\0\4\157\017\065\362"s);
  const auto amid = v2(0x21, 0x11, addresses_v4 + "\4\0\1N\3\0\4\272\102\035\252\5\0\0"s);
  CHECK(told_by(summed) == "192.0.2.1:51000 > 198.51.100.7:443");
  CHECK(told_by(amid) == "192.0.2.1:51000 > 198.51.100.7:443");
  for (std::size_t i = 16; i < amid.size(); ++i) {
    if (amid[i] == 3) continue;  // of the TLV: without that type it is no checksum
    CAPTURE(i);
    auto changed = amid;
    changed[i] = static_cast<char>(changed[i] ^ 0x40);
    CHECK(why_refused(changed) != "");
  }
  CHECK(why_refused(v2(0x21, 0x11, addresses_v4 + "\3\0\4\0\0\0\0"s)) ==
        "the PROXY header: its checksum is wrong");
  CHECK(why_refused(v2(0x21, 0x11, addresses_v4 + "\3\0\2\0\0"s)) ==
        "the PROXY header: a checksum has 4 bytes, and not 2");
  CHECK(why_refused(v2(0x21, 0x11, addresses_v4 + "\1\0"s)) ==
        "the PROXY header: 2 bytes are too few for a TLV");
  CHECK(why_refused(v2(0x21, 0x11, addresses_v4 + "\1\0\3h2"s)) ==
        "the PROXY header: a TLV of type 0x01 has 3 bytes, and 2 are left");
}

TEST_CASE("proxy header: a wrong form of version 1 is refused, with the reason") {
  const auto refused = [](const std::string& line, const std::string& reason) {
    CAPTURE(line);
    CHECK(why_refused(line + "\r\n") == "the PROXY header: " + reason);
  };
  refused("PROXY TCP5 192.0.2.1 192.0.2.2 1 2", "'TCP5' is not TCP4, TCP6 or UNKNOWN");
  refused("PROXY tcp4 192.0.2.1 192.0.2.2 1 2", "'tcp4' is not TCP4, TCP6 or UNKNOWN");
  refused("PROXY UNKNOWNS", "'UNKNOWNS' is not TCP4, TCP6 or UNKNOWN");
  refused("PROXY ", "'' is not TCP4, TCP6 or UNKNOWN");
  refused("PROXY TCP4 192.0.2.1 192.0.2.2 1",
          "'PROXY TCP4 192.0.2.1 192.0.2.2 1' has 3 words after TCP4 instead of two addresses and two ports");
  refused("PROXY TCP4", "'PROXY TCP4' has 0 words after TCP4 instead of two addresses and two ports");
  refused("PROXY TCP4 1.1.1.1 1.1.1.1 1 2 ",
          "'PROXY TCP4 1.1.1.1 1.1.1.1 1 2 ' has 5 words after TCP4 instead of two addresses and two ports");
  refused("PROXY TCP4 192.0.2.256 192.0.2.2 1 2", "'192.0.2.256' is not an IPv4 address");
  refused("PROXY TCP4 192.0.2 192.0.2.2 1 2", "'192.0.2' is not an IPv4 address");
  refused("PROXY TCP4 192.0.02.1 192.0.2.2 1 2", "'192.0.02.1' is not an IPv4 address");
  refused("PROXY TCP4 ::1 192.0.2.2 1 2", "'::1' is not an IPv4 address");
  refused("PROXY TCP4  192.0.2.1 192.0.2.2 1", "'' is not an IPv4 address");
  refused("PROXY TCP4 1.1.1.1\t1.1.1.1 1 2 3", "'1.1.1.1\\x091.1.1.1' is not an IPv4 address");
  refused("PROXY TCP4 1.1.1.1\0 1.1.1.1 1 2"s, "'1.1.1.1\\x00' is not an IPv4 address");
  refused("PROXY TCP6 192.0.2.1 ::1 1 2", "'192.0.2.1' is not an IPv6 address");
  refused("PROXY TCP6 fe80::1%lo ::1 1 2", "'fe80::1%lo' is not an IPv6 address");
  refused("PROXY TCP6 1::2::3 ::1 1 2", "'1::2::3' is not an IPv6 address");
  for (const auto* const port :
       {"65536", "-1", "+1", "0x10", "080", "00", "", "http", "99999999999999999999"}) {
    refused("PROXY TCP4 1.1.1.1 1.1.1.1 "s + port + " 2", "'"s + port + "' is not a port");
    refused("PROXY TCP4 1.1.1.1 1.1.1.1 1 "s + port, "'"s + port + "' is not a port");
  }
  CHECK(why_refused("PROXY TCP4 1.1.1.1 1.1.1.1 1 2\n") ==
        "the PROXY header: its line does not end by CR and LF");
  CHECK(why_refused("PROXY TCP4 1.1.1.1\n1.1.1.1 1 2\r\n") ==
        "the PROXY header: its line does not end by CR and LF");
  CHECK(why_refused("PROXY TCP4 1.1.1.1 1.1.1.1 1 2\rx") == "not whole");
  const auto full = "PROXY UNKNOWN "s + std::string(91, 'x');
  CHECK(full.size() == 105);
  CHECK(why_refused(full + "\r\n") == "");
  CHECK(why_refused(full + "x\r\n") == "the PROXY header: its line has more than 107 bytes");
  CHECK(why_refused(full + "xx") == "the PROXY header: its line has more than 107 bytes");
}

TEST_CASE("proxy header: a wrong form of version 2 is refused, with the reason") {
  const auto refused = [](const std::string& header, const std::string& reason) {
    CHECK(why_refused(header) == "the PROXY header: " + reason);
  };
  refused(v2(0x11, 0x11, addresses_v4), "version 1 is not known");
  refused(v2(0x31, 0x11, addresses_v4), "version 3 is not known");
  refused(v2_signature + "\x01", "version 0 is not known");  // at once
  refused(v2(0x22, 0x11, addresses_v4), "command 2 is not known");
  refused(v2(0x21, 0x10, addresses_v4), "0x10 is not a known pair of address family and transport");
  refused(v2(0x21, 0x01, addresses_v4), "0x01 is not a known pair of address family and transport");
  refused(v2(0x21, 0x13, addresses_v4), "0x13 is not a known pair of address family and transport");
  refused(v2(0x21, 0x41, addresses_v4), "0x41 is not a known pair of address family and transport");
  refused(v2(0x21, 0x11, addresses_v4.substr(1)), "11 bytes are too few for the addresses, which have 12");
  refused(v2(0x21, 0x21, addresses_v4), "12 bytes are too few for the addresses, which have 36");
  refused(v2(0x21, 0x31, addresses_v6), "36 bytes are too few for the addresses, which have 216");
  refused(v2(0x21, 0x11, ""), "0 bytes are too few for the addresses, which have 12");
}

TEST_CASE("proxy header: anything else is refused by its first byte that does not fit") {
  CHECK(why_refused("GET / HTTP/1.1\r\n") == "'GET / HTTP/1.1\\x0d\\x0a' does not begin a PROXY header");
  CHECK(why_refused("G") == "'G' does not begin a PROXY header");
  CHECK(why_refused("PROXYTCP4") == "'PROXYTCP4' does not begin a PROXY header");
  CHECK(why_refused("proxy ") == "'proxy ' does not begin a PROXY header");
  CHECK(why_refused("\r\n\r\n\r"s) == "'\\x0d\\x0a\\x0d\\x0a\\x0d' does not begin a PROXY header");
  CHECK(why_refused("\x16\x03\x01"s + std::string(500, '\xff')).size() < 250);
  for (const auto& whole : {"PROXY TCP4 1.1.1.1 1.1.1.1 1 2\r\n"s, v2(0x21, 0x11, addresses_v4)})
    for (std::size_t size = 0; size < std::min<std::size_t>(whole.size(), 16); ++size)
      CHECK(why_refused(whole.substr(0, size)) == "not whole");
}

namespace {

/// A server that reads the header of a client, over TCP.
struct HeaderReading {
  HeaderReading() : HeaderReading(tcp_pair()) {}
  explicit HeaderReading(SocketEnds sockets)
      : server(connection(loop, std::move(sockets.ours), "the proxy")), far(loop, std::move(sockets.theirs)) {
    signal(SIGPIPE, SIG_IGN);
    server.peer = loopback(7);
  }

  Task<> read(Deadline deadline = never) {
    auto reading = read_proxy_header(
        [this](const Connection&, const Address& proxy) { told = proxy.to_string(); })(server, deadline);
    failure = co_await outcome_of(std::move(reading));
  }
  std::string failed() const {
    if (!failure) return "";
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& error) {
      return error.what();
    }
  }

  EventLoop loop;
  Connection server;
  FarEnd far;
  std::exception_ptr failure;
  std::string told;
};

/// Each byte by itself, and the next only when the one before has been looked at.
Task<> write_slowly(FarEnd& to, std::string_view bytes) {
  auto& loop = co_await this_loop();
  for (const char& byte : bytes) {
    put(to.fd.get(), {&byte, 1});
    co_await loop.next_turn();
    co_await loop.next_turn();
  }
}

}  // namespace

TEST_CASE("proxy header: it is read byte by byte or with the payload behind it, and not a byte more") {
  const auto v1 = "PROXY TCP4 192.0.2.1 198.51.100.7 51000 443\r\n"s;
  const auto longest = v2(0x21, 0x11, addresses_v4 + "\x04"s + two_octets(65520) + std::string(65520, '\0'));
  for (const auto& header : {v1, v2(0x21, 0x11, addresses_v4), longest}) {
    const auto payload = "PROXY is what the payload begins with"s;
    for (const bool is_slow : {false, true}) {
      if (is_slow && header.size() > 1000) continue;
      CAPTURE(is_slow);
      HeaderReading it;
      const auto bytes = header + payload;
      it.loop.run(all(it.read(), is_slow ? write_slowly(it.far, bytes) : write_all(it.far, bytes)));
      CHECK(it.failed() == "");
      CHECK(it.server.peer.to_string() == "192.0.2.1:51000");
      CHECK(it.server.name() == "192.0.2.1:51000");
      CHECK(it.server.local().to_string() == "198.51.100.7:443");
      CHECK(it.told == "127.0.0.1:7");
      CHECK(it.server.stream.is_plain());
      CHECK(read_available(it.server.fd()) == payload);
    }
  }
}

TEST_CASE("proxy header: LOCAL and UNKNOWN leave the addresses as they are") {
  for (const auto& header : {"PROXY UNKNOWN\r\n"s, v2(0x20, 0x00, ""), v2(0x20, 0x11, addresses_v4)}) {
    HeaderReading it;
    put(it.far.fd.get(), header + "payload");
    it.loop.run(it.read());
    CHECK(it.failed() == "");
    CHECK(it.server.peer == loopback(7));
    CHECK(it.server.name() == "the proxy");
    CHECK(it.server.local() == local_address(it.server.fd()));
    CHECK_FALSE(it.server.told);
    CHECK(it.told == "127.0.0.1:7");
    CHECK(read_available(it.server.fd()) == "payload");
  }
}

TEST_CASE("proxy header: a peer that ends or stalls at any byte of it is refused") {
  for (const auto& header :
       {"PROXY TCP4 1.1.1.1 1.1.1.1 1 2\r\n"s, v2(0x21, 0x11, addresses_v4 + "\4\0\0"s)}) {
    for (std::size_t size = 0; size < header.size(); ++size) {
      CAPTURE(size);
      HeaderReading ended, stalled;
      for (auto* const it : {&ended, &stalled}) put(it->far.fd.get(), header.substr(0, size));
      shutdown(ended.far.fd.get(), SHUT_WR);
      ended.loop.run(ended.read());
      CHECK(ended.failed() == (size == 0 ? "the connection ended without a PROXY header"
                                         : "the connection ended within the PROXY header"));
      stalled.loop.run(stalled.read(after(1ms)));
      CHECK(stalled.failed() != "");
      CHECK_FALSE(stalled.server.told);
    }
  }
}

TEST_CASE("proxy header: a peer that says nothing is refused after 3 s") {
  HeaderReading it;
  const auto begun = Clock::now();
  it.loop.run(it.read());
  CHECK(it.failed() == "no PROXY header within 3 s");
  CHECK(Clock::now() - begun >= 3s);
}

namespace {

/// What a connection sends, and what it would say behind it.
std::string sent_by(SocketEnds sockets, const Layer& layer,
                    std::shared_ptr<const ConnectionEnds> forwarded = {}) {
  EventLoop loop;
  auto client = connection(loop, std::move(sockets.ours));
  client.forwarded = std::move(forwarded);
  loop.run(layer(client, never));
  return read_available(sockets.theirs.get());
}

}  // namespace

TEST_CASE("proxy header: a connection sends its own addresses, or those of the client it is for") {
  auto sockets = tcp_pair();
  const auto local = local_address(sockets.ours.get()), peer = peer_address(sockets.ours.get());
  CHECK(sent_by(std::move(sockets), send_proxy_header(Version::v1)) ==
        "PROXY TCP4 127.0.0.1 127.0.0.1 " + std::to_string(local.port()) + " " + std::to_string(peer.port()) +
            "\r\n");
  const auto ends = std::make_shared<ConnectionEnds>(
      ConnectionEnds{address_at("192.0.2.1", 51000), address_at("198.51.100.7", 443)});
  CHECK(sent_by(tcp_pair(), send_proxy_header(Version::v2), ends) == v2(0x21, 0x11, addresses_v4));
  CHECK(sent_by(unix_pair(), send_proxy_header(Version::v2), ends) == v2(0x21, 0x11, addresses_v4));
  CHECK(sent_by(unix_pair(), send_proxy_header(Version::v2)) == v2(0x21, 0x31, unix_block("", "")));
  CHECK(sent_by(unix_pair(), send_proxy_header(Version::v1)) == "PROXY UNKNOWN\r\n");
  CHECK(sent_by(tcp_pair(), send_proxy_header(Version::v2, true)) == v2(0x20, 0x00, ""));
  CHECK(sent_by(tcp_pair(), send_proxy_header(Version::v1, true)) == "PROXY UNKNOWN\r\n");
}

#include "net/option/option_value.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <linux/filter.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cstring>
#include <set>
#include <string>

#include "base/words.hpp"
#include "net/option/tcp_info.hpp"

using namespace sockx;

namespace {

using Type = OptionType;

template <class Plain>
std::string memory_of(const Plain& plain) {
  return std::string(reinterpret_cast<const char*>(&plain), sizeof plain);
}

in_addr ipv4(const char* text) {
  in_addr address{};
  REQUIRE(inet_pton(AF_INET, text, &address) == 1);
  return address;
}

in6_addr ipv6(const char* text) {
  in6_addr address{};
  REQUIRE(inet_pton(AF_INET6, text, &address) == 1);
  return address;
}

const OptionMember& member(const OptionValue& value, std::string_view name) {
  for (const auto& member : value.members)
    if (member.name == name) return member;
  FAIL("no member ", std::string(name));
  return value.members.front();
}

}  // namespace

TEST_CASE("option values: what is typed becomes the bytes of setsockopt(2)") {
  const group_req group_of_2 = [] {
    group_req request{};
    request.gr_interface = 1;
    auto& group = reinterpret_cast<sockaddr_in6&>(request.gr_group);
    group.sin6_family = AF_INET6;
    group.sin6_addr = ipv6("ff02::123");
    return request;
  }();
  const group_source_req source_of_2 = [] {
    group_source_req request{};
    reinterpret_cast<sockaddr_in&>(request.gsr_group).sin_family = AF_INET;
    reinterpret_cast<sockaddr_in&>(request.gsr_group).sin_addr = ipv4("232.1.1.1");
    reinterpret_cast<sockaddr_in&>(request.gsr_source).sin_family = AF_INET;
    reinterpret_cast<sockaddr_in&>(request.gsr_source).sin_addr = ipv4("10.0.0.1");
    return request;
  }();
  struct Row {
    Type type;
    std::string value, bytes;
  };
  for (const auto& [type, value, bytes] : {
           Row{Type::integer, "-7", memory_of(-7)},
           Row{Type::integer, "0x1f", memory_of(31)},
           Row{Type::integer, "0xffffffff", memory_of(-1)},
           Row{Type::number, "18446744073709551615", memory_of(~0ULL)},
           Row{Type::boolean, "Yes", memory_of(1)},
           Row{Type::boolean, "0", memory_of(0)},
           Row{Type::linger, "on,7", memory_of(linger{1, 7})},
           Row{Type::linger, "off", memory_of(linger{0, 0})},
           Row{Type::timeval, "1.5", memory_of(timeval{1, 500000})},
           Row{Type::timeval, "250ms", memory_of(timeval{0, 250000})},
           Row{Type::text, "", ""},
           Row{Type::text, "a=b", "a=b"},
           Row{Type::bytes, "00fFa1", std::string("\x00\xff\xa1", 3)},
           Row{Type::family, "inet", memory_of(AF_INET)},
           Row{Type::path_mtu_discovery, "probe", memory_of(IP_PMTUDISC_PROBE)},
           Row{Type::path_mtu_discovery, "2", memory_of(IP_PMTUDISC_DO)},
           Row{Type::interface, "lo", memory_of(1)},
           Row{Type::interface, "0", memory_of(0)},
           Row{Type::network_interface, "lo", memory_of(htonl(1))},
           Row{Type::multicast_interface, "127.0.0.1", memory_of(ipv4("127.0.0.1"))},
           Row{Type::multicast_interface, "lo", memory_of(ip_mreqn{{}, {}, 1})},
           Row{Type::membership, "239.1.2.3", memory_of(ip_mreqn{ipv4("239.1.2.3"), {}, 0})},
           Row{Type::membership, "239.1.2.3,lo", memory_of(ip_mreqn{ipv4("239.1.2.3"), {}, 1})},
           Row{Type::membership, "239.1.2.3,127.0.0.1",
               memory_of(ip_mreqn{ipv4("239.1.2.3"), ipv4("127.0.0.1"), 0})},
           Row{Type::membership6, "ff02::5,lo", memory_of(ipv6_mreq{ipv6("ff02::5"), 1})},
           Row{Type::membership46, "ff02::123,lo", memory_of(group_of_2)},
           Row{Type::source_membership, "232.1.1.1,10.0.0.1,127.0.0.1",
               memory_of(ip_mreq_source{ipv4("232.1.1.1"), ipv4("127.0.0.1"), ipv4("10.0.0.1")})},
           Row{Type::source_membership46, "232.1.1.1,10.0.0.1", memory_of(source_of_2)},
           Row{Type::port_range, "40000-50000", memory_of(std::uint32_t{50000} << 16 | 40000)},
           Row{Type::transmit_time, "1,2", memory_of(sock_txtime{1, 2})},
           Row{Type::filter, "2,48 0 0 9,6 0 1 0x10,",
               memory_of(sock_filter{48, 0, 0, 9}) + memory_of(sock_filter{6, 0, 1, 16})},
       }) {
    CAPTURE(value);
    const auto encoded = encode(type, value);
    REQUIRE(encoded);
    CHECK(hexadecimal(*encoded) == hexadecimal(bytes));
  }
}

TEST_CASE("option values: what is not of the form is refused") {
  const std::string megabyte(1 << 20, '7');
  struct Row {
    Type type;
    std::vector<std::string> values;
  };
  for (const auto& [type, values] : {
           Row{Type::integer, {"", "x", "1x", " 1", "2147483648", "0x", "0x1ffffffff", "1.5", megabyte}},
           Row{Type::number, {"", "-1", "18446744073709551616", megabyte}},
           Row{Type::boolean, {"", "2", "onn", megabyte}},
           Row{Type::linger, {"", "on", "on,", "on,-1", "off,3", "5", "on,2147483648", megabyte}},
           Row{Type::timeval, {"", "soon", "-1s", megabyte}},
           Row{Type::bytes, {"0", "0g", "0x", " 1"}},
           Row{Type::family, {"", "foo", megabyte}},
           Row{Type::path_mtu_discovery, {"", "perhaps", megabyte}},
           Row{Type::interface, {"", "no-such-device", "-1", megabyte}},
           Row{Type::network_interface, {"", "no-such-device", megabyte}},
           Row{Type::multicast_interface, {"", "1.2.3", "::1", megabyte}},
           Row{Type::membership, {"", "::1", "239.1.1.1,lo,lo", "239.1.1.1,nowhere", ",", megabyte}},
           Row{Type::membership6, {"", "239.1.1.1", "ff02::1,lo,lo", "ff02::1,nowhere", megabyte}},
           Row{Type::membership46, {"", "x", "ff02::1,nowhere", "ff02::1,lo,lo", megabyte}},
           Row{Type::source_membership, {"", "232.1.1.1", "232.1.1.1,x", "232.1.1.1,10.0.0.1,lo", megabyte}},
           Row{Type::source_membership46,
               {"", "232.1.1.1", "232.1.1.1,::1", "232.1.1.1,10.0.0.1,x", megabyte}},
           Row{Type::port_range, {"", "1", "1-", "-1", "1-65536", "1-2-3", megabyte}},
           Row{Type::transmit_time, {"", "1", "1,2,3", "x,1", megabyte}},
           Row{Type::filter,
               {"", "1", "0", "1,6 0 0", "1,6 0 0 0 0", "1,6 256 0 0", "1,65536 0 0 0", "2,6 0 0 0",
                "x,6 0 0 0", megabyte}},
           // what can only be read
           Row{Type::socket_type, {"SOCK_STREAM", "1"}},
           Row{Type::protocol, {"6"}},
           Row{Type::error, {"0"}},
           Row{Type::credentials, {"1,2,3"}},
           Row{Type::groups, {"1"}},
           Row{Type::memory, {"1"}},
           Row{Type::path_mtu, {"1"}},
           Row{Type::tcp_info, {"1"}},
       })
    for (const auto& value : values) {
      CAPTURE(name_of(type));
      CAPTURE(value.substr(0, 30));
      CHECK_FALSE(encode(type, value));
    }
}

TEST_CASE("option values: what getsockopt(2) returns becomes text, and a value for programs") {
  struct Row {
    Type type;
    std::string bytes, text;
    OptionScalar scalar;
  };
  const std::int64_t one = 1;
  for (const auto& [type, bytes, text, scalar] : {
           Row{Type::integer, memory_of(-7), "-7", std::int64_t{-7}},
           Row{Type::integer, std::string("\x05", 1), "5", std::int64_t{5}},  // a single byte, as some are
           Row{Type::number, memory_of(~0ULL), "18446744073709551615", std::uint64_t{~0ULL}},
           Row{Type::boolean, memory_of(8), "on", true},
           Row{Type::boolean, memory_of(0), "off", false},
           Row{Type::linger, memory_of(linger{1, 7}), "on,7", std::string("on,7")},
           Row{Type::linger, memory_of(linger{0, 7}), "off", std::string("off")},
           Row{Type::timeval, memory_of(timeval{1, 252000}), "1.252s", 1.252},
           Row{Type::timeval, memory_of(timeval{0, 1}), "0.000001s", 1e-6},
           Row{Type::timeval, memory_of(timeval{20000000000, 10}), "20000000000.00001s", 20000000000.00001},
           Row{Type::text, std::string("reno\0\0", 6), "reno", std::string("reno")},
           Row{Type::bytes, std::string("\x00\xff", 2), "00ff", std::string("00ff")},
           Row{Type::family, memory_of(AF_INET6), "AF_INET6", std::int64_t{AF_INET6}},
           Row{Type::socket_type, memory_of(int{SOCK_STREAM}), "SOCK_STREAM", one},
           Row{Type::protocol, memory_of(int{IPPROTO_TCP}), "IPPROTO_TCP", std::int64_t{6}},
           Row{Type::protocol, memory_of(0), "0", std::int64_t{0}},
           Row{Type::path_mtu_discovery, memory_of(1), "IP_PMTUDISC_WANT", one},
           Row{Type::error, memory_of(ECONNREFUSED), "ECONNREFUSED", std::int64_t{ECONNREFUSED}},
           Row{Type::error, memory_of(0), "0", std::int64_t{0}},
           Row{Type::interface, memory_of(1), "lo", one},
           Row{Type::interface, memory_of(0), "0", std::int64_t{0}},
           Row{Type::network_interface, memory_of(htonl(1)), "lo", one},
           Row{Type::multicast_interface, memory_of(ipv4("127.0.0.1")), "127.0.0.1",
               std::string("127.0.0.1")},
           Row{Type::port_range, memory_of(std::uint32_t{50000} << 16 | 40000), "40000-50000",
               std::string("40000-50000")},
           Row{Type::credentials, memory_of(ucred{7, 8, static_cast<gid_t>(-1)}), "pid 7, uid 8, gid -1",
               std::string("pid 7, uid 8, gid -1")},
           Row{Type::groups, memory_of(gid_t{4}) + memory_of(gid_t{27}), "4,27", std::string("4,27")},
           Row{Type::transmit_time, memory_of(sock_txtime{1, 2}), "1,2", std::string("1,2")},
           Row{Type::memory, std::string(36, '\0'), "36 bytes", std::string("36 bytes")},
       }) {
    CAPTURE(text);
    const auto value = decode(type, bytes);
    CHECK(value.text == text);
    CHECK(value.scalar == scalar);
  }
}

TEST_CASE("option values: nothing is read beyond what was returned, however little that is") {
  for (int type = 0; type <= static_cast<int>(Type::tcp_info); ++type) {
    const auto which = static_cast<Type>(type);
    CAPTURE(name_of(which));
    for (const std::size_t size : {0, 1, 3, 7}) {
      const std::string exact(size, '\1');
      const std::vector<char> heap(exact.begin(), exact.end());  // so that a sanitizer sees the end
      CHECK_NOTHROW(decode(which, {heap.data(), heap.size()}));
    }
    CHECK(encode(which, "?").has_value() == (which == Type::text));
  }
}

TEST_CASE("option values: a structure has members") {
  const auto peer = decode(Type::credentials, memory_of(ucred{7, 8, 9}));
  CHECK(member(peer, "uid").value == OptionScalar(std::int64_t{8}));
  std::string bytes(36, '\0');
  const std::uint32_t dropped = 5;
  std::memcpy(bytes.data() + 32, &dropped, sizeof dropped);
  const auto memory = decode(Type::memory, bytes);
  CHECK(memory.members.size() == 9);
  CHECK(member(memory, "drops").value == OptionScalar(std::uint64_t{5}));
  CHECK(member(memory, "rcvbuf").unit == "bytes");
}

TEST_CASE("tcp_info: only the members that the kernel has returned are told") {
  std::string bytes(300, '\0');
  bytes[0] = 1;
  bytes[5] = 7;     // timestamps, sack, wscale
  bytes[6] = 0x5a;  // two halves
  const std::uint32_t rto = 204000;
  std::memcpy(bytes.data() + 8, &rto, sizeof rto);
  const auto whole = decode(Type::tcp_info, bytes);
  CHECK(member(whole, "state").value == OptionScalar(std::string("ESTABLISHED")));
  CHECK(member(whole, "options").value == OptionScalar(std::string("timestamps|sack|wscale")));
  CHECK(member(whole, "snd_wscale").value == OptionScalar(std::uint64_t{0xa}));
  CHECK(member(whole, "rcv_wscale").value == OptionScalar(std::uint64_t{5}));
  CHECK(member(whole, "rto").value == OptionScalar(std::uint64_t{204000}));
  CHECK(member(whole, "rto").unit == "us");
  CHECK(whole.members.back().name == "snd_wnd");
  const auto old = decode(Type::tcp_info, bytes.substr(0, 104));
  CHECK(old.members.back().name == "total_retrans");
  CHECK(old.members.size() < whole.members.size());
  CHECK(tcp_state_of(std::string(1, '\x0a')) == "LISTEN");
  CHECK(tcp_state_of("") == "");
}

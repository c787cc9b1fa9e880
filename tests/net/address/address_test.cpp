#include "net/address/address.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/un.h>

#include <cstddef>
#include <string>

#include "../../support/descriptors.hpp"
#include "../../support/files.hpp"
#include "base/error.hpp"
#include "net/address/endpoint.hpp"
#include "net/socket.hpp"

using namespace sockx;
using namespace test;

namespace {

Address inet(const char* host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  REQUIRE(inet_pton(AF_INET, host, &address.sin_addr) == 1);
  return {reinterpret_cast<const sockaddr*>(&address), sizeof address};
}

Address inet6(const char* host, std::uint16_t port, std::uint32_t scope = 0) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  address.sin6_scope_id = scope;
  REQUIRE(inet_pton(AF_INET6, host, &address.sin6_addr) == 1);
  return {reinterpret_cast<const sockaddr*>(&address), sizeof address};
}

/// The name of a unix socket that was never bound.
Address unnamed() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  return {reinterpret_cast<const sockaddr*>(&address), offsetof(sockaddr_un, sun_path)};
}

}  // namespace

TEST_CASE("address: its text and its parts for every family") {
  struct Row {
    Address address;
    int family;
    std::string shown, host;
    std::uint32_t port;
    bool is_loopback;
    std::string path;
  };
  for (const auto& row : {
           Row{inet("192.0.2.1", 80), AF_INET, "192.0.2.1:80", "192.0.2.1", 80, false, ""},
           Row{inet("127.0.0.1", 65535), AF_INET, "127.0.0.1:65535", "127.0.0.1", 65535, true, ""},
           Row{inet("127.255.0.9", 1), AF_INET, "127.255.0.9:1", "127.255.0.9", 1, true, ""},
           Row{inet("128.0.0.1", 1), AF_INET, "128.0.0.1:1", "128.0.0.1", 1, false, ""},
           Row{inet6("2001:db8::1", 443), AF_INET6, "[2001:db8::1]:443", "2001:db8::1", 443, false, ""},
           Row{inet6("::1", 443), AF_INET6, "[::1]:443", "::1", 443, true, ""},
           Row{inet6("fe80::1", 80, 1), AF_INET6, "[fe80::1%lo]:80", "fe80::1%lo", 80, false, ""},
           Row{inet6("ff02::1", 80, 1), AF_INET6, "[ff02::1%lo]:80", "ff02::1%lo", 80, false, ""},
           Row{inet6("2001:db8::1", 80, 1), AF_INET6, "[2001:db8::1%1]:80", "2001:db8::1%1", 80, false, ""},
           Row{inet6("fe80::1", 80, 987654), AF_INET6, "[fe80::1%987654]:80", "fe80::1%987654", 80, false,
               ""},
           Row{inet6("::ffff:192.0.2.1", 80), AF_INET6, "192.0.2.1:80", "192.0.2.1", 80, false, ""},
           Row{inet6("::ffff:127.0.0.1", 80), AF_INET6, "127.0.0.1:80", "127.0.0.1", 80, true, ""},
           Row{Address::any(AF_INET, 7), AF_INET, "0.0.0.0:7", "0.0.0.0", 7, false, ""},
           Row{Address::any(AF_INET6, 7), AF_INET6, "[::]:7", "::", 7, false, ""},
           Row{Address::unix_name("/run/x"), AF_UNIX, "unix:/run/x", "/run/x", 0, false, "/run/x"},
           Row{Address::unix_name("@x"), AF_UNIX, "unix:@x", "@x", 0, false, ""},
           Row{unnamed(), AF_UNIX, "unix:(unnamed)", "", 0, false, ""},
           Row{Address::vsock(2, 1234), AF_VSOCK, "vsock:2:1234", "2", 1234, false, ""},
           Row{Address(), AF_UNSPEC, "AF_UNSPEC", "", 0, false, ""},
       }) {
    CAPTURE(row.shown);
    CHECK(row.address.family() == row.family);
    CHECK(row.address.to_string() == row.shown);
    CHECK(row.address.host() == row.host);
    CHECK(row.address.port() == row.port);
    CHECK(row.address.is_loopback() == row.is_loopback);
    CHECK(row.address.path() == row.path);
  }
}

TEST_CASE("address: a unix socket's name has a limit and the longest one is still whole") {
  const std::string longest = "/" + std::string(106, 'x');
  CHECK(Address::unix_name(longest).path() == longest);
  CHECK_THROWS_WITH_AS(Address::unix_name(longest + 'x'),
                       doctest::Contains("at most 107 bytes, this has 108"), BadInput);
}

TEST_CASE("address: an abstract name may fill all that the kernel has for it") {
  const auto longest = Address::unix_name("@" + std::string(107, 'x'));
  CHECK(longest.size() == sizeof(sockaddr_un));
  CHECK(longest.to_string() == "unix:@" + std::string(107, 'x'));
  CHECK_THROWS_WITH_AS(Address::unix_name("@" + std::string(108, 'x')),
                       doctest::Contains("at most 108 bytes, this has 109"), BadInput);
}

TEST_CASE("address: a unix name is shown so that no byte of it is lost, and can be typed so") {
  const auto with_nul = Address::unix_name(std::string("@alice\0mallory", 14));
  CHECK(with_nul.host() == "@alice\\x00mallory");
  CHECK(with_nul.to_string() == "unix:@alice\\x00mallory");
  CHECK_FALSE(with_nul == Address::unix_name("@alice"));
  const auto file = Address::unix_name("/tmp/a\x1b\\b");
  CHECK(file.host() == "/tmp/a\\x1b\\x5cb");
  const auto wordy = Address::unix_name("@alice: to bob\xe2\x80\x8b");
  CHECK(wordy.host() == "@alice:\\x20to\\x20bob\\xe2\\x80\\x8b");
  CHECK(std::get<Address>(Endpoint::parse({wordy.to_string()}, Endpoint::Role::connecting).where) == wordy);
  CHECK(file.path() == "/tmp/a\x1b\\b");
  for (const auto& address : {with_nul, file}) {
    const auto typed = Endpoint::parse({address.to_string()}, Endpoint::Role::connecting);
    CHECK(std::get<Address>(typed.where) == address);
  }
  CHECK_THROWS_WITH_AS(Endpoint::parse({"unix:/tmp/a\\x00b"}, Endpoint::Role::connecting),
                       "'unix:/tmp/a\\x00b': a path cannot contain a NUL byte", BadInput);
}

TEST_CASE("address: a file whose name begins with @ is not shown as an abstract name") {
  sockaddr_un address{AF_UNIX, "@x"};
  const Address file(reinterpret_cast<const sockaddr*>(&address), sizeof address);
  CHECK(file.to_string() == "unix:./@x");
  CHECK(file.path() == "./@x");
}

TEST_CASE("address: the kernel takes a unix name and gives the same back") {
  const Folder folder;
  for (const auto& name : {folder / "socket", "@sockx-test-" + std::to_string(getpid())}) {
    auto socket = Socket::open(AF_UNIX, SOCK_STREAM, 0);
    socket.bind(Address::unix_name(name));
    CHECK(socket.local().to_string() == "unix:" + name);
  }
}

#include "net/address/endpoint.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "../../support/said_of.hpp"
#include "base/error.hpp"

using namespace sockx;

namespace {

using Words = std::vector<std::string>;
constexpr auto connecting = Endpoint::Role::connecting;
constexpr auto listening = Endpoint::Role::listening;

}  // namespace

TEST_CASE("endpoint: what is understood") {
  struct Row {
    Words words;
    std::string shown;
  };
  const Row for_both[]{
      {{"localhost", "80"}, "localhost:80"},
      {{"localhost:80"}, "localhost:80"},
      {{"localhost:http"}, "localhost:80"},
      {{"localhost", "http"}, "localhost:80"},
      {{"127.0.0.1:65535"}, "127.0.0.1:65535"},
      {{"[::1]:80"}, "[::1]:80"},
      {{"::1", "80"}, "[::1]:80"},
      {{"[::1]", "80"}, "[::1]:80"},
      {{"[fe80::1%lo]:80"}, "[fe80::1%lo]:80"},
      {{"fe80::1%lo", "80"}, "[fe80::1%lo]:80"},
      {{"[fe80::1%a]b]:80"}, "[fe80::1%a]b]:80"},  // the kernel lets an interface be named a]b
      {{"unix:/run/x"}, "unix:/run/x"},
      {{"unix:relative/name:with:colons"}, "unix:relative/name:with:colons"},
      {{"unix:@abstract"}, "unix:@abstract"},
      {{"vsock:2:1234"}, "vsock:2:1234"},
      {{"vsock:any:1234"}, "vsock:any:1234"},
      {{"fd:0"}, "fd:0"},
      {{"fd:17"}, "fd:17"},
      {{"fd:unix:/run/x"}, "fd:unix:/run/x"},
      {{"fd:unix:@abstract"}, "fd:unix:@abstract"},
  };
  const Row for_listening[]{
      {{"80"}, "port 80"},    {{"0"}, "port 0"},
      {{"http"}, "port 80"},  {{"localhost:0"}, "localhost:0"},
      {{"[::]:0"}, "[::]:0"}, {{"::", "0"}, "[::]:0"},
      {{"*:80"}, "port 80"},  {{"*", "80"}, "port 80"},
  };
  const auto check = [](const Row& row, Endpoint::Role role) {
    CAPTURE(row.words.front());
    CHECK(Endpoint::parse(row.words, role).to_string() == row.shown);
  };
  for (const auto& row : for_both) {
    check(row, connecting);
    check(row, listening);
  }
  for (const auto& row : for_listening) check(row, listening);
}

TEST_CASE("endpoint: what it is made of") {
  const auto host = std::get<HostPort>(Endpoint::parse({"[fe80::1%lo]:80"}, connecting).where);
  CHECK(host.host == "fe80::1%lo");
  CHECK(host.port == 80);
  CHECK(std::get<HostPort>(Endpoint::parse({"80"}, listening).where).host.empty());
  CHECK(std::get<Address>(Endpoint::parse({"unix:@x"}, connecting).where).family() == AF_UNIX);
  CHECK(std::get<Address>(Endpoint::parse({"vsock:2:3"}, connecting).where).family() == AF_VSOCK);
  CHECK(std::get<InheritedFd>(Endpoint::parse({"fd:3"}, listening).where).fd == 3);
  CHECK(std::get<PassedFd>(Endpoint::parse({"fd:unix:/run/x"}, listening).where).at.path() == "/run/x");
}

TEST_CASE("endpoint: what somebody else has made is adopted") {
  for (const auto* word : {"fd:3", "fd:unix:/run/x"}) CHECK(Endpoint::parse({word}, connecting).is_adopted());
  for (const auto* word : {"unix:/run/x", "localhost:80", "vsock:2:3"})
    CHECK_FALSE(Endpoint::parse({word}, connecting).is_adopted());
}

TEST_CASE("endpoint: what is refused is quoted and what would be right is said") {
  struct Row {
    Words words;
    std::string quoted, right;
  };
  const Row for_both[]{
      {{"::1:80"}, "'::1:80'", "[::1]:80"},
      {{"::1"}, "'::1'", "[::1]:PORT"},
      {{"fe80::1%lo:80"}, "'fe80::1%lo:80'", "[fe80::1%lo]:80"},
      {{"a:b:c"}, "'a:b:c'", "[V6]:PORT"},
      {{"[::1]"}, "'[::1]'", "[ADDRESS]:PORT"},
      {{"[::1"}, "'[::1'", "[ADDRESS]:PORT"},
      {{"[]:80"}, "'[]:80'", "[ADDRESS]:PORT"},
      {{"[::1]80"}, "'[::1]80'", "[ADDRESS]:PORT"},
      {{"[::1]:"}, "'[::1]:'", "[ADDRESS]:PORT"},
      {{"[localhost]:80"}, "'localhost'", "no IPv6 address"},
      {{":80"}, "':80'", "the host is empty"},
      {{"", "80"}, "' 80'", "the host is empty"},
      {{""}, "''", "HOST PORT"},
      {{"localhost:65536"}, "'65536'", "0 to 65535"},
      {{"localhost", "99999999999999999999"}, "'99999999999999999999'", "0 to 65535"},
      {{"localhost", "-1"}, "'-1'", "0 to 65535"},
      {{"localhost", "0x50"}, "'0x50'", "0 to 65535"},
      {{"localhost", "80 "}, "'80 '", "0 to 65535"},
      {{"localhost", ""}, "'localhost '", "port is empty"},
      {{"http://localhost:80/"}, "'http://localhost:80/'", "say localhost:80"},
      {{"http://localhost/x?y"}, "'http://localhost/x?y'", "say localhost:http"},
      {{"https://me@[::1]:80/x:y"}, "'https://me@[::1]:80/x:y'", "say [::1]:80"},
      {{"http://localhost", "80"}, "'http://localhost'", "say localhost 80"},
      {{"localhost:80/x"}, "'localhost:80/x'", "say localhost:80"},
      {{"192.0.2.0/24"}, "'192.0.2.0/24'", "say 192.0.2.0:PORT"},
      {{"192.0.2.7/24:80"}, "'192.0.2.7/24:80'", "say 192.0.2.7:80"},
      {{"fe80::1/64:80"}, "'fe80::1/64:80'", "say [fe80::1]:80"},
      {{"fe80::1/64"}, "'fe80::1/64'", "say [fe80::1]:PORT"},
      {{"fe80::1%eth0/64", "80"}, "'fe80::1%eth0/64'", "say fe80::1%eth0 80"},
      {{"/run/x"}, "'/run/x'", "say unix:/run/x"},
      {{"./x"}, "'./x'", "say unix:./x"},
      {{"/run/x", "80"}, "'/run/x'", "say unix:/run/x"},
      {{"tcp:localhost:80"}, "'tcp:localhost:80'", "say localhost:80"},
      {{"TCP4:127.0.0.1:80"}, "'TCP4:127.0.0.1:80'", "say 127.0.0.1:80"},
      {{"udp:localhost:80"}, "'udp:localhost:80'", "that is UDP; say sockx udp "},
      {{"localhost:80:90"}, "'localhost:80:90'", "say localhost:80"},
      {{"127.0.0.1:80", "90"}, "'127.0.0.1:80'", "neither a name nor an address"},
      {{"[localhost", "80"}, "'[localhost 80'", "neither a name nor an address"},
      {{"localhost]:80"}, "'localhost]:80'", "neither a name nor an address"},
      {{"localhost:htttp"}, "'htttp'", "did you mean http?"},
      {{"localhost", "80", "90"}, "'90'", "one word too many"},
      {{"unix:"}, "'unix:'", "unix:/PATH or unix:@NAME"},
      {{"unix:@"}, "'unix:@'", "unix:/PATH or unix:@NAME"},
      {{"unix:/run/x", "80"}, "'unix:/run/x 80'", "takes no further word"},
      {{"unix:" + std::string(200, 'x')}, "'unix:xxx", "at most 107 bytes"},
      {{"vsock:2"}, "'vsock:2'", "vsock:CID:PORT"},
      {{"vsock:x:1"}, "'vsock:x:1'", "vsock:CID:PORT"},
      {{"vsock:2:"}, "'vsock:2:'", "vsock:CID:PORT"},
      {{"vsock:2:3", "4"}, "'vsock:2:3 4'", "takes no further word"},
      {{"fd:"}, "'fd:'", "fd:3"},
      {{"fd:x"}, "'fd:x'", "fd:3"},
      {{"fd:-1"}, "'fd:-1'", "fd:3"},
      {{"fd:3x"}, "'fd:3x'", "fd:3"},
      {{"fd:99999999999"}, "'fd:99999999999'", "fd:3"},
  };
  const Row for_connecting[]{
      {{"80"}, "'80'", "HOST:80"},
      {{"localhost"}, "'localhost'", "localhost:PORT"},
      {{"*:80"}, "'*:80'", "every address"},
      {{"*", "80"}, "'* 80'", "every address"},
      {{"localhost:0"}, "'localhost:0'", "1 to 65535"},
      {{"localhost", "0"}, "'localhost 0'", "1 to 65535"},
  };
  const Row for_listening[]{
      {{"65536"}, "'65536'", "0 to 65535"},
      {{"0.0.0.0"}, "'0.0.0.0'", "the port is missing: say 0.0.0.0:PORT"},
      {{"www.example.com"}, "'www.example.com'", "www.example.com:PORT"},
      {{"localhost"}, "'localhost'", "localhost:PORT"},
      {{"*"}, "'*'", "*:PORT"},
      {{"htttp"}, "'htttp'", "did you mean http?"},
      {{":80"}, "':80'", "PORT alone"},
  };
  const auto check = [](const Row& row, Endpoint::Role role) {
    CAPTURE(row.quoted);
    CHECK_THROWS_AS(Endpoint::parse(row.words, role), BadInput);
    const auto said = test::said_of([&] { Endpoint::parse(row.words, role); });
    CHECK(said.find(row.quoted) != std::string::npos);
    CHECK(said.find(row.right) != std::string::npos);
  };
  for (const auto& row : for_both) {
    check(row, connecting);
    check(row, listening);
  }
  for (const auto& row : for_connecting) check(row, connecting);
  for (const auto& row : for_listening) check(row, listening);
}

TEST_CASE("endpoint: no word at all is refused") {
  CHECK_THROWS_AS(Endpoint::parse({}, connecting), BadInput);
}

TEST_CASE("endpoint: ports are numbers or services of TCP") {
  CHECK(parse_port("0") == 0);
  CHECK(parse_port("65535") == 65535);
  CHECK(parse_port("00080") == 80);
  CHECK(parse_port("ssh") == 22);
  CHECK_THROWS_AS(parse_port("tftp"), BadInput);  // of UDP alone
}

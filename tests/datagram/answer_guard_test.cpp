#include "datagram/answer_guard.hpp"

#include <doctest/doctest.h>

#include <array>

#include "../support/files.hpp"
#include "net/address/numeric_address.hpp"
#include "net/socket.hpp"

using namespace sockx;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

Address at(const std::string& host, std::uint16_t port) { return *numeric_address(host, port); }

}  // namespace

TEST_CASE("AnswerGuard: what comes from our own address and port is not answered") {
  const auto now = Clock::now();
  for (const auto* const any : {"0.0.0.0", "::"}) {
    AnswerGuard guard(at(any, 9000), {});
    const std::string prefix = any == std::string("::") ? "::ffff:" : "";
    CHECK(guard.judge(at(prefix + "127.0.0.1", 9000), now) == AnswerRefusal::own_address);
    CHECK(guard.judge(at(prefix + "127.1.2.3", 9000), now) == AnswerRefusal::own_address);
    CHECK(guard.judge(at(prefix + "127.0.0.1", 9001), now) == AnswerRefusal::no);
    CHECK(guard.judge(at(prefix + "192.0.2.7", 9000), now) == AnswerRefusal::no);
  }
  AnswerGuard six(at("::", 9000), {}), one(at("127.0.0.1", 9000), {});
  CHECK(six.judge(at("::1", 9000), now) == AnswerRefusal::own_address);
  CHECK(one.judge(at("127.0.0.1", 9000), now) == AnswerRefusal::own_address);
  CHECK(one.judge(at("127.0.0.2", 9000), now) == AnswerRefusal::no);
}

TEST_CASE("AnswerGuard: over unix sockets, no name that leads to our own socket is answered") {
  const auto now = Clock::now();
  const test::Folder folder;
  const auto unix_at = [&](const std::string& name) { return Address::unix_name(folder / name); };
  auto server = Socket::open(AF_UNIX, SOCK_DGRAM, 0), other = Socket::open(AF_UNIX, SOCK_DGRAM, 0);
  server.bind(unix_at("server"));
  other.bind(unix_at("other"));
  AnswerGuard guard(server.local(), {});
  CHECK(guard.judge(unix_at("server"), now) == AnswerRefusal::own_address);
  CHECK(guard.judge(unix_at("other"), now) == AnswerRefusal::no);
  fs::create_symlink(folder / "server", folder / "link");
  fs::create_hard_link(folder / "server", folder / "second");
  fs::rename(folder / "link", folder / "other");
  CHECK(guard.judge(unix_at("other"), now) == AnswerRefusal::own_address);
  CHECK(guard.judge(unix_at("second"), now) == AnswerRefusal::own_address);
  CHECK(guard.judge(unix_at("nothing"), now) == AnswerRefusal::no);
  AnswerGuard abstract(Address::unix_name("@server"), {});
  CHECK(abstract.judge(Address::unix_name("@server"), now) == AnswerRefusal::own_address);
  CHECK(abstract.judge(Address::unix_name(std::string("@server\0", 8)), now) == AnswerRefusal::no);
  // Two ends of a pair have no name, and are not the same for that.
  const sockaddr unnamed{AF_UNIX, {}};
  const Address nobody(&unnamed, sizeof unnamed.sa_family);
  CHECK(AnswerGuard(nobody, {}).judge(nobody, now) == AnswerRefusal::no);
}

TEST_CASE("AnswerGuard: the rate holds over unix sockets too") {
  AnswerGuard guard(Address::unix_name("@server"), {2});
  const auto now = Clock::now();
  int answered = 0;
  for (int i = 0; i < 5000; ++i)
    answered += guard.judge(Address::unix_name("@peer"), now) == AnswerRefusal::no ? 1 : 0;
  CHECK(answered == 2000);
}

TEST_CASE("AnswerGuard: the ports of services that answer everything are not answered") {
  AnswerGuard guard(at("0.0.0.0", 9000), {});
  for (const auto port : std::array<std::uint16_t, 5>{7, 13, 17, 19, 37})
    CHECK(guard.judge(at("192.0.2.7", port), Clock::now()) == AnswerRefusal::echo_port);
  CHECK(guard.judge(at("192.0.2.7", 53), Clock::now()) == AnswerRefusal::no);
}

TEST_CASE("AnswerGuard: a peer is answered in bursts, and on average as often as the rate says") {
  AnswerGuard guard(at("0.0.0.0", 9000), {2});
  auto now = Clock::now();
  const auto answered = [&](const Address& peer, int tries) {
    int count = 0;
    for (int i = 0; i < tries; ++i) count += guard.judge(peer, now) == AnswerRefusal::no ? 1 : 0;
    return count;
  };
  const auto busy = at("192.0.2.7", 1234);
  CHECK(answered(busy, 5000) == 2000);
  CHECK(answered(at("192.0.2.8", 1234), 10) == 10);
  now += 10s;
  CHECK(answered(busy, 5000) == 20);
  now += 10h;
  CHECK(answered(busy, 5000) == 2000);
  // All together have that of 100 peers.
  int all = 0;
  for (std::uint16_t port = 1; all < 300'000 && port < 200; ++port) {
    const int some = answered(at("192.0.2.9", static_cast<std::uint16_t>(40'000 + port)), 2000);
    all += some;
    if (some == 0) break;
  }
  CHECK(all <= 200'000);
  AnswerGuard unlimited(at("0.0.0.0", 9000), {0});
  bool always = true;
  for (int i = 0; i < 2'000'000; ++i) always = always && unlimited.judge(busy, now) == AnswerRefusal::no;
  CHECK(always);
}

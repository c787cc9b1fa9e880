#include "net/socket_facts.hpp"

#include <doctest/doctest.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <tuple>

#include "../support/descriptors.hpp"
#include "../support/process.hpp"
#include "base/error.hpp"

using namespace sockx;
using namespace test;

TEST_CASE("socket facts: a TCP socket tells its state by name, from unused to half closed") {
  auto socket = Socket::open(AF_INET, SOCK_STREAM, 0);
  CHECK(facts_of(socket).state == "CLOSE");
  socket.bind(Address::any(AF_INET, 0));
  socket.listen(1);
  const auto listening = facts_of(socket);
  CHECK(listening.state == "LISTEN");
  CHECK(listening.protocol == IPPROTO_TCP);
  CHECK(listening.local == socket.local().to_string());
  CHECK(listening.peer == "");

  auto pair = tcp_pair();
  const Socket ours(std::move(pair.ours));
  CHECK(facts_of(ours).state == "ESTABLISHED");
  CHECK(facts_of(ours).peer == ours.peer().to_string());
  pair.theirs.reset();
  eventually("the FIN is there", [&] { return facts_of(ours).state == "CLOSE_WAIT"; });
}

TEST_CASE("socket facts: other sockets are unbound, bound, listening or connected") {
  auto datagrams = Socket::open(AF_INET, SOCK_DGRAM, 0);
  CHECK(facts_of(datagrams).state == "unbound");
  datagrams.bind(Address::any(AF_INET, 0));
  CHECK(facts_of(datagrams).state == "bound");
  CHECK(facts_of(datagrams).type == SOCK_DGRAM);
  CHECK(datagrams.connect(datagrams.local()) == 0);
  CHECK(facts_of(datagrams).state == "connected");

  const UniqueFd virtual_socket(::socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (virtual_socket) CHECK(facts_of(Socket(UniqueFd(dup(virtual_socket.get())))).state == "unbound");

  auto local = Socket::open(AF_UNIX, SOCK_STREAM, 0);
  CHECK(facts_of(local).state == "unbound");
  local.bind(Address::unix_name("@sockx-facts-" + std::to_string(getpid())));
  CHECK(facts_of(local).state == "bound");
  local.listen(1);
  CHECK(facts_of(local).state == "listening");
  auto pair = unix_pair();
  CHECK(facts_of(Socket(std::move(pair.ours))).state == "connected");
}

TEST_CASE("socket facts: what has no ports is bound by its own kind of name") {
  auto netlink = Socket::open(AF_NETLINK, SOCK_RAW, 0);
  CHECK(facts_of(netlink).state == "unbound");
  sockaddr_nl own{};
  own.nl_family = AF_NETLINK;
  netlink.bind(Address(reinterpret_cast<const sockaddr*>(&own), sizeof own));  // the kernel gives a number
  CHECK(facts_of(netlink).state == "bound");
  try {
    auto raw = Socket::open(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    CHECK(facts_of(raw).state == "unbound");
    raw.bind(Address::any(AF_INET, 0));
    CHECK(facts_of(raw).state == "unbound");
    CHECK(facts_of(Socket::open(AF_PACKET, SOCK_DGRAM, 0)).state == "unbound");
  } catch (const Error& error) {
    CHECK(error.number() == EPERM);  // not root
    CHECK(error.origin() == Origin::local_address);
  }
}

#include "net/option/option_effect.hpp"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <fstream>
#include <string>

#include "../../support/descriptors.hpp"

using namespace sockx;
using namespace test;

namespace {

long limit_at(const std::string& name) {
  std::ifstream file("/proc/sys/net/" + name);
  long limit = 0;
  file >> limit;
  REQUIRE(limit > 0);
  return limit;
}

OptionEffect effect_on(int socket, const std::string& word) {
  CAPTURE(word);
  const auto setting = OptionSetting::parse(word);
  REQUIRE_NOTHROW(apply(socket, setting));
  return effect_of(socket, setting);
}

struct Row {
  int family, type;
  std::string word, effective, reason;
};

void check_all(const std::vector<Row>& rows) {
  for (const auto& [family, type, word, effective, reason] : rows) {
    CAPTURE(word);
    const UniqueFd socket(::socket(family, type | SOCK_CLOEXEC, 0));
    const auto effect = effect_on(socket.get(), word);
    REQUIRE(effect.value);
    CHECK(effect.value->text == effective);
    CHECK(effect.reason == reason);
  }
}

}  // namespace

TEST_CASE("option effects: a value that the kernel takes as it is needs no reason") {
  check_all({
      {AF_INET, SOCK_STREAM, "keepalive=yes", "on", ""},
      {AF_INET, SOCK_STREAM, "keepalive=0", "off", ""},
      {AF_INET, SOCK_STREAM, "linger=on,7", "on,7", ""},
      {AF_INET, SOCK_STREAM, "congestion=reno", "reno", ""},
      {AF_INET, SOCK_STREAM, "rcvtimeo=2s", "2s", ""},
      {AF_INET, SOCK_STREAM, "maxseg=1000", "1000", ""},
      {AF_INET, SOCK_STREAM, "rcvlowat=17", "17", ""},
      {AF_INET, SOCK_STREAM, "ttl=9", "9", ""},
      {AF_INET, SOCK_DGRAM, "tos=3", "3", ""},
      {AF_INET, SOCK_DGRAM, "IP_MULTICAST_IF=127.0.0.1", "127.0.0.1", ""},
      {AF_INET6, SOCK_DGRAM, "IPV6_MULTICAST_IF=lo", "lo", ""},
      {AF_INET6, SOCK_DGRAM, "IPV6_MTU_DISCOVER=do", "IP_PMTUDISC_DO", ""},
  });
}

TEST_CASE("option effects: buffers are doubled, raised to a least and held to a most") {
  const std::string doubled = "the kernel doubles the value, to have room for its own bookkeeping";
  const auto receive = limit_at("core/rmem_max"), send = limit_at("core/wmem_max");
  REQUIRE(receive < 1000000000);
  REQUIRE(send < 1000000000);
  check_all({
      {AF_INET, SOCK_STREAM, "rcvbuf=65536", "131072", doubled},
      {AF_UNIX, SOCK_STREAM, "sndbuf=65536", "131072", doubled},
      {AF_INET, SOCK_STREAM, "rcvbuf=1", "2304", "2304 is the least that the kernel gives"},
      {AF_INET, SOCK_STREAM, "sndbuf=1", "4608", "4608 is the least that the kernel gives"},
      {AF_INET, SOCK_STREAM, "rcvbuf=1000000000", std::to_string(2 * receive),
       "net.core.rmem_max allows at most " + std::to_string(receive) + ", and " + doubled},
      {AF_INET, SOCK_STREAM, "sndbuf=-1", std::to_string(2 * send),
       "net.core.wmem_max allows at most " + std::to_string(send) + ", and " + doubled},
  });
}

TEST_CASE("option effects: a forced buffer is told by the option that can be read") {
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto setting = OptionSetting::parse("rcvbufforce=70000");
  try {
    apply(socket.get(), setting);
  } catch (const std::exception&) {
    MESSAGE("skipped: CAP_NET_ADMIN is needed");
    return;
  }
  const auto effect = effect_of(socket.get(), setting);
  REQUIRE(effect.value);
  CHECK(effect.value->text == "140000");
  CHECK(effect.reason.starts_with("the kernel doubles"));
}

TEST_CASE("option effects: why the kernel keeps another value") {
  const std::string ecn = "the lowest two bits, ECN, belong to TCP itself";
  const std::string by_default = "-1 stands for the default";
  const auto somaxconn = std::to_string(limit_at("core/somaxconn"));
  check_all({
      {AF_INET, SOCK_STREAM, "rcvlowat=0", "1", "0 counts as 1"},
      {AF_INET, SOCK_DGRAM, "rcvlowat=-1", "2147483647", "a negative value counts as the largest"},
      {AF_INET, SOCK_STREAM, "defer_accept=5", "7",
       "rounded up to a time at which the kernel sends SYN,ACK again"},
      {AF_INET, SOCK_STREAM, "linger2=1000", "120", "120 is the most that the kernel gives"},
      {AF_INET, SOCK_STREAM, "window_clamp=1", "1152", "1152 is the least that the kernel gives"},
      {AF_INET, SOCK_STREAM, "tos=3", "0", ecn},
      {AF_INET, SOCK_DGRAM, "tos=300", "44", "only the lowest eight bits count"},
      {AF_INET, SOCK_DGRAM, "tos=-1", "255", "only the lowest eight bits count"},
      {AF_INET, SOCK_STREAM, "tos=-1", "252", "only the lowest eight bits count, and " + ecn},
      {AF_INET6, SOCK_STREAM, "tclass=255", "252", ecn},
      {AF_INET, SOCK_DGRAM, "multicast_ttl=-1", "1", by_default},
      {AF_INET6, SOCK_DGRAM, "multicast_hops=-1", "1", by_default},
      {AF_INET6, SOCK_STREAM, "tclass=-1", "0", by_default},
      {AF_INET, SOCK_STREAM, "TCP_FASTOPEN=2000000000", somaxconn, "net.core.somaxconn allows no more"},
      {AF_INET, SOCK_DGRAM, "IP_MULTICAST_IF=lo", "0.0.0.0",
       "getsockopt(2) tells an address, and an interface was set without one"},
      {AF_INET6, SOCK_STREAM, "addr_preferences=2", "1026",
       "the kernel adds its choice where nothing was preferred"},
  });
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto low = effect_on(socket.get(), "rcvlowat=1000000000");
  CHECK(low.reason == "at most half of what the receive buffer may become");
  CHECK(effect_on(socket.get(), "ttl=-1").reason == by_default);
  CHECK(effect_on(socket.get(), "linger2=0").reason ==
        "0 stands for the system's own, net.ipv4.tcp_fin_timeout");
  CHECK(effect_on(socket.get(), "rcvtimeo=0.000001").reason ==
        "rounded up to whole ticks of the kernel's clock");
  CHECK(effect_on(socket.get(), "maxseg=0").reason == "0 stands for the default");
  const auto pair = tcp_pair();
  CHECK(effect_on(pair.ours.get(), "maxseg=1000")
            .reason.starts_with("a connection tells the size that it uses"));
}

TEST_CASE("option effects: a checksum of UDP-Lite is over the header at least") {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDPLITE));
  if (!socket) {
    MESSAGE("skipped: no UDP-Lite");
    return;
  }
  const auto effect = effect_on(socket.get(), "recv_cscov=1");
  REQUIRE(effect.value);
  CHECK(effect.value->text == "8");
  CHECK(effect.reason == "the checksum is over the 8 bytes of the header at least");
}

TEST_CASE("option effects: what cannot be read back has no value, and says so") {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto joined = effect_on(socket.get(), "IP_ADD_MEMBERSHIP=239.1.2.3,lo");
  CHECK_FALSE(joined.value);
  CHECK(joined.reason == "it cannot be read back");
  const UniqueFd socket6(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto mtu = effect_on(socket6.get(), "IPV6_MTU=1280");
  CHECK_FALSE(mtu.value);
  CHECK(mtu.reason == "it cannot be read back: Transport endpoint is not connected");
}

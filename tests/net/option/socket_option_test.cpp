#include "net/option/socket_option.hpp"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "../../support/descriptors.hpp"
#include "../../support/thrown.hpp"
#include "base/error.hpp"
#include "base/named_numbers.hpp"
#include "net/stream/stream_options.hpp"

using namespace sockx;
using namespace test;

namespace {

int read_back(int fd, int level, int number) {
  int value = -1;
  socklen_t size = sizeof value;
  REQUIRE(getsockopt(fd, level, number, &value, &size) == 0);
  return value;
}

}  // namespace

TEST_CASE("socket options: every row has a name of its own") {
  std::set<std::string_view> names;
  for (const auto& option : socket_options()) CHECK(names.insert(option.name).second);
}

namespace {

/// The words of a text in capital letters, without those of two letters and fewer.
std::vector<std::string> long_words(std::string_view text) {
  std::vector<std::string> words(1);
  for (const char letter : upper_case(text)) {
    if (letter >= 'A' && letter <= 'Z')
      words.back() += letter;
    else if (!words.back().empty())
      words.emplace_back();
  }
  std::erase_if(words, [](const auto& word) { return word.size() < 3; });
  return words;
}

/// At least four words, of which more than half do not stand in the name, letter by letter.
bool says_more_than_its_name(const SocketOption& option) {
  const auto words = long_words(option.help);
  const auto repeated = std::ranges::count_if(
      words, [&](const auto& word) { return option.name.find(word) != std::string_view::npos; });
  return words.size() >= 4 && 2 * static_cast<std::size_t>(repeated) < words.size();
}

}  // namespace

TEST_CASE("socket options: each help says what changes, in words that are not those of the name") {
  for (const auto& option : socket_options()) CHECK_MESSAGE(says_more_than_its_name(option), option.name);
  auto repeating = socket_options().front();
  repeating.name = "SO_KEEPALIVE";
  for (const auto* help :
       {"", "keep alive", "keep the connection alive", "set SO_KEEPALIVE so keep alive is set"}) {
    repeating.help = help;
    CHECK_MESSAGE(!says_more_than_its_name(repeating), help);
  }
}

TEST_CASE("socket options: what can be set says what it takes, and what can only be read takes nothing") {
  const std::set<std::string> levels{"SOL_SOCKET",  "IPPROTO_IP",  "IPPROTO_IP|IPV6", "IPPROTO_IPV6",
                                     "IPPROTO_TCP", "IPPROTO_UDP", "IPPROTO_UDPLITE"};
  for (const auto& option : socket_options()) {
    CAPTURE(option.name);
    if (option.is_writable()) CHECK_FALSE(form_of(option.type).empty());
    if (!option.is_writable()) CHECK(option.phase == SocketOption::Phase::none);
    CHECK(levels.contains(level_name(option.level)));
  }
}

TEST_CASE("socket options: whatever a new socket has can be read and shown") {
  std::size_t found = 0;
  for (const auto& [family, type] : {std::pair{AF_INET, SOCK_STREAM},
                                     {AF_INET6, SOCK_STREAM},
                                     {AF_INET, SOCK_DGRAM},
                                     {AF_INET6, SOCK_DGRAM},
                                     {AF_UNIX, SOCK_STREAM}}) {
    const UniqueFd socket(::socket(family, type | SOCK_CLOEXEC, 0));
    for (const auto& option : socket_options()) {
      if (!option.is_readable()) continue;
      try {
        decode(option.type, read_option(socket.get(), option));
        ++found;
      } catch (const Error&) {
        continue;
      }
    }
  }
  CHECK(found > 400);
}

TEST_CASE("socket options: a stream's short name means the option that a stream has a use for") {
  CHECK(find_option("cork", true).name == "TCP_CORK");
  CHECK_THROWS_WITH_AS(find_option("cork"), "'cork': say TCP_CORK or UDP_CORK", BadInput);
  CHECK(find_option("udp_cork", true).name == "UDP_CORK");
}

TEST_CASE(
    "socket options: but for those of IPv4 and IPv6 alike, every option of a stream keeps its short name") {
  const std::set<std::string> shared{"FREEBIND", "TRANSPARENT", "MTU_DISCOVER", "UNICAST_IF"};
  for (const auto& option : socket_options()) {
    const std::string name(option.name.substr(option.name.find('_') + 1));
    if (option.phase == SocketOption::Phase::none || shared.contains(name)) continue;
    CAPTURE(name);
    CHECK(find_option(name, true).name == option.name);
  }
}

TEST_CASE("socket options: a group's own family chooses the level") {
  CHECK(OptionSetting::parse("mcast_join_group=239.1.1.1").level == IPPROTO_IP);
  CHECK(OptionSetting::parse("mcast_join_group=ff02::123,lo").level == IPPROTO_IPV6);
  const UniqueFd socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  set_option(socket.get(), "mcast_join_group", "ff02::123,lo");
  const auto again =
      thrown_by<Error>([&] { set_option(socket.get(), "IPV6_ADD_MEMBERSHIP", "ff02::123,lo"); });
  REQUIRE(again);
  CHECK(again->number() == EADDRINUSE);  // it has been joined
}

TEST_CASE("socket options: a filter of classic BPF decides what arrives") {
  auto pair = [] {
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    return SocketEnds{UniqueFd(ends[0]), UniqueFd(ends[1])};
  }();
  set_option(pair.ours.get(), "attach_filter", "1,6 0 0 0");  // ret 0: drop everything
  send(pair.theirs.get(), "lost", 4, 0);
  CHECK(read_available(pair.ours.get()) == "");
  set_option(pair.ours.get(), "attach_filter", "1,6 0 0 2");  // ret 2: two bytes of each
  send(pair.theirs.get(), "kept", 4, 0);
  CHECK(read_available(pair.ours.get()) == "ke");
}

TEST_CASE("socket options: names go without prefix and in any case") {
  struct Row {
    std::string word;
    std::string_view name;
    std::string value;
  };
  for (const auto& [word, name, value] : {
           Row{"SO_KEEPALIVE=on", "SO_KEEPALIVE", "on"},
           Row{"keepalive=1", "SO_KEEPALIVE", "1"},
           Row{"tcp_nodelay=Yes", "TCP_NODELAY", "Yes"},
           Row{"NoDelay=off", "TCP_NODELAY", "off"},
           Row{"rcvbuf=65536", "SO_RCVBUF", "65536"},
           Row{"V6ONLY=false", "IPV6_V6ONLY", "false"},
           Row{"priority=-1", "SO_PRIORITY", "-1"},
           Row{"congestion=a=b", "TCP_CONGESTION", "a=b"},
       }) {
    CAPTURE(word);
    const auto setting = OptionSetting::parse(word);
    CHECK(setting.option->name == name);
    CHECK(setting.value == value);
  }
}

TEST_CASE("socket options: what is refused and what would be right") {
  struct Row {
    std::string word, message;
  };
  for (const auto& [word, message] : {
           Row{"SO_KEEPALIV=1", "'SO_KEEPALIV': no such socket option; did you mean SO_KEEPALIVE?"},
           Row{"frobnicate=1", "'frobnicate': no such socket option"},
           Row{"=1", "'=1': say NAME=VALUE"},
           Row{"nodelay", "'nodelay': say TCP_NODELAY=VALUE"},
           Row{"nodelay=", "'nodelay=': TCP_NODELAY takes on or off"},
           Row{"nodelay=2", "'nodelay=2': TCP_NODELAY takes on or off"},
           Row{"rcvbuf=on", "'rcvbuf=on': SO_RCVBUF takes a number"},
           Row{"rcvbuf=1k", "'rcvbuf=1k': SO_RCVBUF takes a number"},
           Row{"linger=on", "'linger=on': SO_LINGER takes on,SECONDS or off"},
           Row{"linger=on,-1", "'linger=on,-1': SO_LINGER takes on,SECONDS or off"},
           Row{"linger=5", "'linger=5': SO_LINGER takes on,SECONDS or off"},
           Row{"rcvtimeo=soon", "'rcvtimeo=soon': SO_RCVTIMEO takes a duration, like 250ms"},
           Row{"freebind=on", "'freebind': say IP_FREEBIND or IPV6_FREEBIND"},
           Row{"type=1",
               "'type=1': SO_TYPE can only be read: stream, datagram and so on, as socket(2) was asked for"},
           Row{"rcvbuf=99999999999", "'rcvbuf=99999999999': SO_RCVBUF takes a number"},
       }) {
    CAPTURE(word);
    CHECK_THROWS_WITH_AS(OptionSetting::parse(word), message.c_str(), BadInput);
  }
}

TEST_CASE("socket options: a live socket has the value afterwards") {
  struct Row {
    std::string word;
    int effective;
  };
  const UniqueFd socket(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  for (const auto& [word, effective] : {
           Row{"reuseaddr=on", 1},
           Row{"reuseport=yes", 1},
           Row{"rcvbuf=50000", 100000},
           Row{"sndbuf=50000", 100000},
           Row{"keepalive=true", 1},
           Row{"keepalive=0", 0},
           Row{"rcvlowat=17", 17},
           Row{"priority=3", 3},
           Row{"max_pacing_rate=1000000", 1000000},
           Row{"tos=16", 16},
           Row{"ttl=9", 9},
           Row{"v6only=on", 1},
           Row{"v6only=off", 0},
           Row{"tclass=32", 32},
           Row{"unicast_hops=8", 8},
           Row{"nodelay=on", 1},
           Row{"keepidle=11", 11},
           Row{"keepintvl=12", 12},
           Row{"keepcnt=5", 5},
           Row{"user_timeout=1234", 1234},
       }) {
    CAPTURE(word);
    const auto setting = OptionSetting::parse(word);
    apply(socket.get(), setting);
    CHECK(read_back(socket.get(), setting.option->level, setting.option->number) == effective);
  }
  set_option(socket.get(), "TCP_CONGESTION", "reno");
  CHECK(congestion_of(socket.get()) == "reno");
}

TEST_CASE("socket options: linger is a switch with seconds, a time-out a duration") {
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  for (const auto& [word, on, seconds] : {std::tuple{"on,7", 1, 7}, {"off", 0, 0}, {"Yes,0", 1, 0}}) {
    set_option(socket.get(), "linger", word);
    linger value{};
    socklen_t size = sizeof value;
    REQUIRE(getsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &value, &size) == 0);
    CHECK(value.l_onoff == on);
    if (on == 1) CHECK(value.l_linger == seconds);
  }
  for (const auto& [word, seconds, microseconds] : {std::tuple{"250ms", 0, 250000}, {"1.5", 1, 500000}}) {
    set_option(socket.get(), "rcvtimeo", word);
    timeval value{};
    socklen_t size = sizeof value;
    REQUIRE(getsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &value, &size) == 0);
    CHECK(value.tv_sec == seconds);
    CHECK(value.tv_usec >= microseconds);  // rounded up to the kernel's ticks
    CHECK(value.tv_usec < microseconds + 10000);
  }
}

TEST_CASE("socket options: each level has its families") {
  struct Row {
    std::string word;
    std::set<int> families;
  };
  for (const auto& [word, families] : {
           Row{"keepalive=on", {AF_INET, AF_INET6, AF_UNIX, AF_VSOCK}},
           Row{"ttl=9", {AF_INET, AF_INET6}},
           Row{"nodelay=on", {AF_INET, AF_INET6}},
           Row{"tclass=9", {AF_INET6}},
       }) {
    const auto setting = OptionSetting::parse(word);
    for (const int family : {AF_INET, AF_INET6, AF_UNIX, AF_VSOCK}) {
      CAPTURE(family);
      if (families.contains(family))
        CHECK_NOTHROW(check_level(setting, family));
      else
        CHECK_THROWS_WITH_AS(check_level(setting, family), doctest::Contains(("'" + word + "'").c_str()),
                             BadInput);
    }
  }
}

TEST_CASE("stream options: an option in the wrong place is refused with its word") {
  const auto with = [](const std::string& word) {
    StreamOptions options;
    options.settings = {OptionSetting::parse(word)};
    return options;
  };
  const Endpoint anywhere{HostPort{"localhost", 80}}, inherited{InheritedFd{3}};
  CHECK_THROWS_WITH_AS(check_dialing(with("defer_accept=3"), anywhere),
                       "'defer_accept=3': TCP_DEFER_ACCEPT is for a socket that listens", BadInput);
  CHECK_THROWS_WITH_AS(check_listening(with("syncnt=3"), anywhere),
                       "'syncnt=3': TCP_SYNCNT is for a socket that dials", BadInput);
  CHECK_THROWS_WITH_AS(check_dialing(with("rcvbuf=3"), inherited),
                       doctest::Contains("'rcvbuf=3': SO_RCVBUF is set before there is a connection"),
                       BadInput);
  const auto* const useless = "'broadcast=on': a stream has no use for SO_BROADCAST";
  CHECK_THROWS_WITH_AS(check_dialing(with("broadcast=on"), anywhere), doctest::Contains(useless), BadInput);
  CHECK_THROWS_WITH_AS(check_listening(with("broadcast=on"), anywhere), doctest::Contains(useless), BadInput);
  CHECK_NOTHROW(check_dialing(with("syncnt=3"), anywhere));
  CHECK_NOTHROW(check_dialing(with("nodelay=on"), inherited));
  CHECK_NOTHROW(check_listening(with("defer_accept=3"), anywhere));
  CHECK_NOTHROW(check_listening(with("rcvbuf=3"), inherited));
}

TEST_CASE("socket options: what the kernel refuses is an error that names option and value") {
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto error = thrown_by<Error>([&] { set_option(socket.get(), "congestion", "no-such-algorithm"); });
  REQUIRE(error);
  CHECK(error->number() == ENOENT);
  CHECK(std::string(error->what()) ==
        "setsockopt TCP_CONGESTION=no-such-algorithm: No such file or directory");
}

TEST_CASE("stream options: each setting is made in its phase and not before") {
  auto socket = open_socket(AF_INET, {});
  StreamOptions options;
  options.settings = {OptionSetting::parse("ttl=9"), OptionSetting::parse("nodelay=on")};
  prepare_dialing(socket, Address::any(AF_INET, 0), options);
  CHECK(read_back(socket.fd(), IPPROTO_IP, IP_TTL) == 9);
  CHECK(read_back(socket.fd(), IPPROTO_TCP, TCP_NODELAY) == 0);
  prepare_connected(socket.fd(), options);
  CHECK(read_back(socket.fd(), IPPROTO_TCP, TCP_NODELAY) == 1);
}

TEST_CASE("stream options: two ends on this host use reno unless the user chose") {
  sockaddr_in6 loopback{};
  loopback.sin6_family = AF_INET6;
  loopback.sin6_addr = in6addr_loopback;
  const Address here(reinterpret_cast<const sockaddr*>(&loopback), sizeof loopback);
  auto by_default = open_socket(AF_INET6, {});
  const auto system = congestion_of(by_default.fd());
  prepare_listening(by_default, here, {});
  CHECK(congestion_of(by_default.fd()) == "reno");

  auto chosen = open_socket(AF_INET6, {});
  StreamOptions options;
  options.congestion = system;
  prepare_listening(chosen, here, options);
  CHECK(congestion_of(chosen.fd()) == system);

  auto elsewhere = open_socket(AF_INET6, {});
  prepare_listening(elsewhere, Address::any(AF_INET6, 0), {});
  CHECK(congestion_of(elsewhere.fd()) == system);

  auto dialing = open_socket(AF_INET6, {});
  prepare_dialing(dialing, here, {});
  CHECK(congestion_of(dialing.fd()) == "reno");
  auto dialing_as_told = open_socket(AF_INET6, {});
  prepare_dialing(dialing_as_told, here, options);
  CHECK(congestion_of(dialing_as_told.fd()) == system);

  auto pair = tcp_pair();
  REQUIRE(setsockopt(pair.ours.get(), IPPROTO_TCP, TCP_CONGESTION, system.data(),
                     static_cast<socklen_t>(system.size())) == 0);
  Socket accepted(std::move(pair.ours));
  prepare_connected(accepted.fd(), {});
  CHECK(congestion_of(accepted.fd()) == "reno");
}

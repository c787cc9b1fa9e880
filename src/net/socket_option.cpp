#include "net/socket_option.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "os/error.hpp"
#include "os/nearest.hpp"
#include "os/observer.hpp"
#include "os/text.hpp"

namespace sockx {

namespace {

using Type = SocketOption::Type;
using Phase = SocketOption::Phase;

constexpr auto before = Phase::before_connection;
constexpr auto connected = Phase::connected;

constexpr std::array table{
    SocketOption{"SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR, Type::boolean, before,
                 "bind to a port whose earlier connections are still in TIME_WAIT"},
    SocketOption{"SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT, Type::boolean, before,
                 "let several processes of one user listen on one port and share its connections"},
    SocketOption{
        "SO_RCVBUF", SOL_SOCKET, SO_RCVBUF, Type::integer, before,
        "fix the receive buffer and with it the window; the kernel doubles the value and stops tuning it"},
    SocketOption{"SO_SNDBUF", SOL_SOCKET, SO_SNDBUF, Type::integer, before,
                 "fix how much may wait unacknowledged; the kernel doubles the value and stops tuning it"},
    SocketOption{"SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, Type::boolean, connected,
                 "probe a silent peer, so that one that vanished is noticed"},
    SocketOption{"SO_RCVLOWAT", SOL_SOCKET, SO_RCVLOWAT, Type::integer, connected,
                 "wake the reader only when so many bytes have arrived"},
    SocketOption{"SO_PRIORITY", SOL_SOCKET, SO_PRIORITY, Type::integer, before,
                 "choose the queue of the network device that packets wait in"},
    SocketOption{"SO_MARK", SOL_SOCKET, SO_MARK, Type::integer, before,
                 "mark packets for the firewall and for routing by policy"},
    SocketOption{"SO_MAX_PACING_RATE", SOL_SOCKET, SO_MAX_PACING_RATE, Type::integer, connected,
                 "let the kernel spread packets so that no more than so many bytes leave in a second"},
    SocketOption{"IP_TOS", IPPROTO_IP, IP_TOS, Type::integer, before,
                 "set the type-of-service byte of IPv4 packets, DSCP in its upper six bits"},
    SocketOption{"IP_TTL", IPPROTO_IP, IP_TTL, Type::integer, before,
                 "limit how many routers an IPv4 packet may pass"},
    SocketOption{"IPV6_V6ONLY", IPPROTO_IPV6, IPV6_V6ONLY, Type::boolean, before,
                 "keep IPv4 clients away from an IPv6 socket"},
    SocketOption{"IPV6_TCLASS", IPPROTO_IPV6, IPV6_TCLASS, Type::integer, before,
                 "set the traffic class byte of IPv6 packets"},
    SocketOption{"IPV6_UNICAST_HOPS", IPPROTO_IPV6, IPV6_UNICAST_HOPS, Type::integer, before,
                 "limit how many routers an IPv6 packet may pass"},
    SocketOption{"TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY, Type::boolean, connected,
                 "send small writes at once instead of waiting for an acknowledgement to collect them"},
    SocketOption{"TCP_MAXSEG", IPPROTO_TCP, TCP_MAXSEG, Type::integer, before,
                 "cap the segment size that is announced to the peer"},
    SocketOption{"TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, Type::integer, connected,
                 "seconds of silence before the first keep-alive probe"},
    SocketOption{"TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL, Type::integer, connected,
                 "seconds between keep-alive probes"},
    SocketOption{"TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT, Type::integer, connected,
                 "unanswered probes after which the connection is given up"},
    SocketOption{"TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT, Type::integer, connected,
                 "milliseconds that sent bytes may stay unacknowledged before the connection is given up"},
    SocketOption{"TCP_CONGESTION", IPPROTO_TCP, TCP_CONGESTION, Type::text, connected,
                 "choose the algorithm that decides how fast to send, as --congestion does"},
};

std::string upper(std::string_view word) {
  std::string result(word);
  for (char& letter : result)
    if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
  return result;
}

bool is_named(const SocketOption& option, const std::string& name) {
  if (option.name == name) return true;
  const auto prefix_end = option.name.find('_');
  return option.name.substr(prefix_end + 1) == name;
}

std::optional<int> integer(const std::string& value) {
  int number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size()) return {};
  return number;
}

std::optional<int> boolean(const std::string& value) {
  const auto word = upper(value);
  if (word == "1" || word == "ON" || word == "TRUE" || word == "YES") return 1;
  if (word == "0" || word == "OFF" || word == "FALSE" || word == "NO") return 0;
  return {};
}

std::optional<int> number_for(const OptionSetting& setting) {
  return setting.option->type == Type::boolean ? boolean(setting.value) : integer(setting.value);
}

std::string_view level_name(int level) {
  switch (level) {
    case SOL_SOCKET:
      return "SOL_SOCKET";
    case IPPROTO_IP:
      return "IPPROTO_IP";
    case IPPROTO_IPV6:
      return "IPPROTO_IPV6";
    default:
      return "IPPROTO_TCP";
  }
}

}  // namespace

std::span<const SocketOption> socket_options() { return table; }

OptionSetting OptionSetting::parse(const std::string& word) {
  const auto equals = word.find('=');
  const auto name = upper(word.substr(0, equals));
  const auto* const row =
      std::find_if(table.begin(), table.end(), [&](const auto& option) { return is_named(option, name); });
  if (row == table.end()) {
    std::vector<std::string> names;
    for (const auto& option : table) names.emplace_back(option.name);
    const auto similar = nearest(name, names);
    throw BadInput(text("'{}': no such socket option{}", word.substr(0, equals),
                        similar.empty() ? "" : text("; did you mean {}?", similar)));
  }
  if (equals == std::string::npos) throw BadInput(text("'{}': say {}=VALUE", word, row->name));
  OptionSetting setting{row, word.substr(equals + 1)};
  if (row->type != Type::text && !number_for(setting))
    throw BadInput(
        text("'{}': {} takes {}", word, row->name, row->type == Type::boolean ? "on or off" : "a number"));
  return setting;
}

void apply(int socket, const OptionSetting& setting) {
  const auto& option = *setting.option;
  long result = 0;
  if (option.type == Type::text) {
    result = setsockopt(socket, option.level, option.number, setting.value.data(),
                        static_cast<socklen_t>(setting.value.size()));
  } else {
    const int number = number_for(setting).value_or(0);
    result = setsockopt(socket, option.level, option.number, &number, sizeof number);
  }
  observe_call("setsockopt", result, "{}, {}, {}, {}", socket, level_name(option.level), option.name,
               setting.value);
  if (result < 0) throw_errno(text("setsockopt {}={}", option.name, setting.value));
}

void set_option(int socket, const std::string& name, const std::string& value) {
  apply(socket, OptionSetting::parse(name + '=' + value));
}

void apply(int socket, const std::vector<OptionSetting>& settings, Phase phase) {
  for (const auto& setting : settings)
    if (setting.option->phase == phase) apply(socket, setting);
}

}  // namespace sockx

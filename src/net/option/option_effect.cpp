#include "net/option/option_effect.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/option/option_bytes.hpp"

namespace sockx {

namespace {

/// A limit of /proc/sys/net; nothing where there is no such file.
std::optional<long> limit_at(const std::string& path) {
  std::ifstream file("/proc/sys/net/" + path);
  long limit = 0;
  return file >> limit ? std::optional(limit) : std::nullopt;
}

constexpr std::string_view doubling = "the kernel doubles the value, to have room for its own bookkeeping";

/// The kernel doubles first and then looks whether the outcome is large enough.
std::string of_doubled_buffer(long asked, long kept) {
  if (kept == 2 * asked) return std::string(doubling);
  return kept > 2 * asked ? text("{} is the least that the kernel gives", kept) : "";
}

std::string of_limited_buffer(const std::string& limit_name, long asked, long kept) {
  const auto limit = limit_at("core/" + limit_name);
  const bool is_above = asked < 0 || (limit && asked > *limit);  // a negative one is read without its sign
  if (limit && is_above && kept == 2 * *limit)
    return text("net.core.{} allows at most {}, and {}", limit_name, *limit, doubling);
  return of_doubled_buffer(asked, kept);
}

std::string of_receive_buffer(int asked, int kept) { return of_limited_buffer("rmem_max", asked, kept); }
std::string of_send_buffer(int asked, int kept) { return of_limited_buffer("wmem_max", asked, kept); }
std::string of_forced_buffer(int asked, int kept) { return of_doubled_buffer(asked, kept); }

std::string of_low_water_mark(int asked, int kept) {
  if (asked == 0 && kept == 1) return "0 counts as 1";
  if (asked < 0) return "a negative value counts as the largest";
  return kept < asked ? "at most half of what the receive buffer may become" : "";
}

std::string of_time(int, int) { return "rounded up to whole ticks of the kernel's clock"; }

std::string of_deferral(int asked, int kept) {
  return kept > asked && asked > 0 ? "rounded up to a time at which the kernel sends SYN,ACK again" : "";
}

std::string of_linger2(int asked, int kept) {
  if (asked == 0) return "0 stands for the system's own, net.ipv4.tcp_fin_timeout";
  return kept < asked ? text("{} is the most that the kernel gives", kept) : "";
}

std::string of_window_clamp(int asked, int kept) {
  return kept > asked ? text("{} is the least that the kernel gives", kept) : "";
}

std::string of_default(int asked, int) { return asked == -1 ? "-1 stands for the default" : ""; }

std::string of_service(int asked, int kept) {
  constexpr std::string_view eight = "only the lowest eight bits count",
                             ecn = "the lowest two bits, ECN, belong to TCP itself";
  if (kept == (asked & 0xff)) return std::string(eight);
  if (kept != (asked & 0xfc)) return "";
  return asked >= 0 && asked <= 0xff ? std::string(ecn) : text("{}, and {}", eight, ecn);
}

std::string of_traffic_class(int asked, int kept) {
  return asked == -1 ? of_default(asked, kept) : of_service(asked, kept);
}

std::string of_fast_open(int asked, int kept) {
  return limit_at("core/somaxconn") == kept && kept < asked ? "net.core.somaxconn allows no more" : "";
}

std::string of_segment_size(int asked, int) {
  return asked == 0 ? "0 stands for the default"
                    : "a connection tells the size that it uses; what is set counts for one still to be made";
}

std::string of_multicast_interface(int, int) {
  return "getsockopt(2) tells an address, and an interface was set without one";
}

std::string of_preferences(int asked, int kept) {
  return (kept & asked) == asked ? "the kernel adds its choice where nothing was preferred" : "";
}

std::string of_coverage(int asked, int kept) {
  return asked > 0 && kept == 8 ? "the checksum is over the 8 bytes of the header at least" : "";
}

/// `explain` is given both values as int, whatever they are.
struct Rule {
  std::string_view option;
  std::string (*explain)(int asked, int kept);
};

constexpr std::array effect_rules{
    Rule{"SO_RCVBUF", of_receive_buffer},
    Rule{"SO_SNDBUF", of_send_buffer},
    Rule{"SO_RCVBUFFORCE", of_forced_buffer},
    Rule{"SO_SNDBUFFORCE", of_forced_buffer},
    Rule{"SO_RCVLOWAT", of_low_water_mark},
    Rule{"SO_RCVTIMEO", of_time},
    Rule{"SO_SNDTIMEO", of_time},
    Rule{"IP_TTL", of_default},
    Rule{"IP_MULTICAST_TTL", of_default},
    Rule{"IP_MULTICAST_IF", of_multicast_interface},
    Rule{"IP_TOS", of_service},
    Rule{"IPV6_UNICAST_HOPS", of_default},
    Rule{"IPV6_MULTICAST_HOPS", of_default},
    Rule{"IPV6_TCLASS", of_traffic_class},
    Rule{"IPV6_ADDR_PREFERENCES", of_preferences},
    Rule{"TCP_DEFER_ACCEPT", of_deferral},
    Rule{"TCP_FASTOPEN", of_fast_open},
    Rule{"TCP_LINGER2", of_linger2},
    Rule{"TCP_MAXSEG", of_segment_size},
    Rule{"TCP_WINDOW_CLAMP", of_window_clamp},
    Rule{"UDPLITE_RECV_CSCOV", of_coverage},
    Rule{"UDPLITE_SEND_CSCOV", of_coverage},
};

/// Where what has been set can be read.
const SocketOption& told_by(const SocketOption& option) {
  if (option.name == "SO_RCVBUFFORCE") return find_option("SO_RCVBUF");
  if (option.name == "SO_SNDBUFFORCE") return find_option("SO_SNDBUF");
  return option;
}

}  // namespace

OptionEffect effect_of(int socket, const OptionSetting& setting) {
  const auto& option = told_by(*setting.option);
  if (!option.is_readable()) return {{}, "it cannot be read back"};
  std::string bytes;
  try {
    bytes = read_option(socket, option);
  } catch (const Error& error) {
    return {{}, text("it cannot be read back: {}", error.code().message())};
  }
  OptionEffect effect{decode(option.type, bytes), ""};
  if (effect.value->text == decode(option.type, setting.bytes).text) return effect;
  const auto rule = std::ranges::find(effect_rules, setting.option->name, &Rule::option);
  if (rule != effect_rules.end())
    effect.reason = rule->explain(option_bytes::read<int>(setting.bytes), option_bytes::read<int>(bytes));
  return effect;
}

}  // namespace sockx

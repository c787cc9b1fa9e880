#include "net/option/option_value.hpp"

#include <linux/filter.h>
#include <linux/net_tstamp.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/error.hpp"
#include "base/named_numbers.hpp"
#include "base/text.hpp"
#include "base/units.hpp"
#include "base/words.hpp"
#include "net/address/address.hpp"
#include "net/address/names.hpp"
#include "net/option/option_addresses.hpp"
#include "net/option/tcp_info.hpp"

namespace sockx {

using namespace option_bytes;

namespace {

OptionValue shown_number(std::int64_t number) { return {std::to_string(number), number}; }

// --- numbers and words

/// Many an option of C's type int is 32 bits without a sign in the kernel.
std::optional<int> parse_integer(std::string_view word) {
  if (const auto number = parse_number<int>(word)) return number;
  if (!word.starts_with("0x")) return {};
  const auto bits = parse_number<std::uint32_t>(word);
  return bits ? std::optional(static_cast<int>(*bits)) : std::nullopt;
}

std::optional<bool> parse_boolean(std::string_view value) {
  const auto word = upper_case(value);
  if (word == "1" || word == "ON" || word == "TRUE" || word == "YES") return true;
  if (word == "0" || word == "OFF" || word == "FALSE" || word == "NO") return false;
  return {};
}

Bytes encode_integer(const std::string& value) {
  const auto number = parse_integer(value);
  return number ? Bytes(bytes_of(*number)) : std::nullopt;
}
OptionValue decode_integer(std::string_view bytes) { return shown_number(read<int>(bytes)); }

Bytes encode_number(const std::string& value) {
  const auto number = parse_number<std::uint64_t>(value);
  return number ? Bytes(bytes_of(*number)) : std::nullopt;
}
OptionValue decode_number(std::string_view bytes) {
  const auto number = read<std::uint64_t>(bytes);
  return {std::to_string(number), number};
}

Bytes encode_boolean(const std::string& value) {
  const auto truth = parse_boolean(value);
  return truth ? Bytes(bytes_of(int{*truth})) : std::nullopt;
}
OptionValue decode_boolean(std::string_view bytes) {
  const bool truth = read<int>(bytes) != 0;
  return {truth ? "on" : "off", truth};
}

Bytes encode_text(const std::string& value) { return value; }
OptionValue decode_text(std::string_view bytes) {
  return shown_text(std::string(bytes.substr(0, bytes.find('\0'))));
}

Bytes encode_bytes(const std::string& value) { return parse_hexadecimal(value); }
OptionValue decode_bytes(std::string_view bytes) { return shown_text(hexadecimal(bytes)); }

constexpr std::array path_mtu_rows{
    NamedNumber{"IP_PMTUDISC_DONT", IP_PMTUDISC_DONT},
    NamedNumber{"IP_PMTUDISC_WANT", IP_PMTUDISC_WANT},
    NamedNumber{"IP_PMTUDISC_DO", IP_PMTUDISC_DO},
    NamedNumber{"IP_PMTUDISC_PROBE", IP_PMTUDISC_PROBE},
    NamedNumber{"IP_PMTUDISC_INTERFACE", IP_PMTUDISC_INTERFACE},
    NamedNumber{"IP_PMTUDISC_OMIT", IP_PMTUDISC_OMIT},
};
constexpr NameTable path_mtu_modes{"way of path MTU discovery", "IP_PMTUDISC_", path_mtu_rows};

/// A number that has a name, by either.
template <const NameTable& table>
Bytes encode_constant(const std::string& value) try {
  return bytes_of(table.parse(value));
} catch (const BadInput&) {
  return {};
}
template <const NameTable& table>
OptionValue decode_constant(std::string_view bytes) {
  const auto number = read<int>(bytes);
  return {table.name_of(number), std::int64_t{number}};
}

OptionValue decode_protocol(std::string_view bytes) {
  const auto number = read<int>(bytes);
  return {protocol_name(number), std::int64_t{number}};
}

OptionValue decode_error(std::string_view bytes) {
  const auto number = read<int>(bytes);
  const char* const name = number == 0 ? nullptr : strerrorname_np(number);
  return {name ? name : std::to_string(number), std::int64_t{number}};
}

// --- pairs, times

Bytes encode_linger(const std::string& value) {
  const auto comma = value.find(',');
  const auto on = parse_boolean(value.substr(0, comma));
  if (!on || *on != (comma != std::string::npos)) return {};
  if (!*on) return bytes_of(linger{0, 0});
  const auto wait = parse_number<int>(std::string_view(value).substr(comma + 1));
  if (!wait || *wait < 0) return {};
  return bytes_of(linger{1, *wait});
}
OptionValue decode_linger(std::string_view bytes) {
  const auto value = read<linger>(bytes);
  return shown_text(value.l_onoff == 0 ? "off" : text("on,{}", value.l_linger));
}

Bytes encode_timeval(const std::string& value) try {
  const auto span = std::chrono::ceil<std::chrono::microseconds>(parse_duration(value)).count();
  return bytes_of(timeval{span / 1000000, span % 1000000});
} catch (const BadInput&) {
  return {};
}
OptionValue decode_timeval(std::string_view bytes) {
  const auto value = read<timeval>(bytes);
  auto fraction = text(".{:06}", value.tv_usec);
  fraction.erase(fraction.find_last_not_of(".0") + 1);
  const auto seconds = static_cast<double>(value.tv_sec) + static_cast<double>(value.tv_usec) / 1e6;
  return {text("{}{}s", value.tv_sec, fraction), seconds};
}

Bytes encode_port_range(const std::string& value) {
  const auto dash = std::min(value.find('-'), value.size());
  const auto lowest = parse_number<std::uint16_t>(value.substr(0, dash));
  const auto highest = parse_number<std::uint16_t>(value.substr(std::min(dash + 1, value.size())));
  if (!lowest || !highest) return {};
  return bytes_of(static_cast<std::uint32_t>(*highest) << 16 | *lowest);
}
OptionValue decode_port_range(std::string_view bytes) {
  const auto range = read<std::uint32_t>(bytes);
  return shown_text(text("{}-{}", range & 0xffff, range >> 16));
}

Bytes encode_transmit_time(const std::string& value) {
  const auto words = split_list(value);
  const auto clock = parse_number<std::int32_t>(words.front());
  const auto flags = parse_number<std::uint32_t>(words.back());
  if (words.size() != 2 || !clock || !flags) return {};
  return bytes_of(sock_txtime{*clock, *flags});
}
OptionValue decode_transmit_time(std::string_view bytes) {
  const auto value = read<sock_txtime>(bytes);
  return shown_text(text("{},{}", value.clockid, value.flags));
}

/// As `tcpdump -ddd` prints it, with commas for newlines: how many instructions, then each as CODE JT JF K.
Bytes encode_filter(const std::string& value) {
  auto lines = split_list(value);
  if (lines.size() > 1 && lines.back().empty()) lines.pop_back();
  const auto count = parse_number<std::uint16_t>(lines.front());
  if (!count || *count == 0 || *count + 1U != lines.size()) return {};
  std::string program;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    std::array<std::uint32_t, 4> parts{};
    std::string_view rest = lines[i];
    for (auto& part : parts) {
      const auto blank = std::min(rest.find(' '), rest.size());
      const auto number = parse_number<std::uint32_t>(rest.substr(0, blank));
      if (!number) return {};
      part = *number;
      rest.remove_prefix(std::min(blank + 1, rest.size()));
    }
    if (!rest.empty() || parts[0] > 0xffff || parts[1] > 0xff || parts[2] > 0xff) return {};
    program += bytes_of(sock_filter{static_cast<std::uint16_t>(parts[0]), static_cast<std::uint8_t>(parts[1]),
                                    static_cast<std::uint8_t>(parts[2]), parts[3]});
  }
  return program;
}

// --- structures that are only read

OptionValue decode_credentials(std::string_view bytes) {
  const auto peer = read<ucred>(bytes);
  const auto uid = static_cast<std::int64_t>(static_cast<int>(peer.uid)),
             gid = static_cast<std::int64_t>(static_cast<int>(peer.gid));
  return shown_text(text("pid {}, uid {}, gid {}", peer.pid, uid, gid),
                    {{"pid", std::int64_t{peer.pid}}, {"uid", uid}, {"gid", gid}});
}

OptionValue decode_groups(std::string_view bytes) {
  std::string list;
  for (; bytes.size() >= sizeof(gid_t); bytes.remove_prefix(sizeof(gid_t)))
    list += (list.empty() ? "" : ",") + std::to_string(read<gid_t>(bytes));
  return shown_text(list);
}

OptionValue structure(std::string_view bytes, std::vector<OptionMember> members) {
  return shown_text(counted(bytes.size(), "byte"), std::move(members));
}

OptionValue decode_memory(std::string_view bytes) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, SK_MEMINFO_VARS> rows{
      {{"rmem_alloc", "bytes"},
       {"rcvbuf", "bytes"},
       {"wmem_alloc", "bytes"},
       {"sndbuf", "bytes"},
       {"fwd_alloc", "bytes"},
       {"wmem_queued", "bytes"},
       {"optmem", "bytes"},
       {"backlog", "bytes"},
       {"drops", "packets"}}};
  std::vector<OptionMember> members;
  for (std::size_t i = 0; i < rows.size() && (i + 1) * 4 <= bytes.size(); ++i)
    members.push_back(
        {rows[i].first, std::uint64_t{read<std::uint32_t>(bytes.substr(i * 4))}, rows[i].second});
  return structure(bytes, std::move(members));
}

OptionValue decode_path_mtu(std::string_view bytes) {
  const auto info = read<ip6_mtuinfo>(bytes);
  const Address peer(reinterpret_cast<const sockaddr*>(&info.ip6m_addr), sizeof info.ip6m_addr);
  return structure(bytes, {{"peer", peer.to_string()}, {"mtu", std::uint64_t{info.ip6m_mtu}, "bytes"}});
}

OptionValue decode_info(std::string_view bytes) { return structure(bytes, decode_tcp_info(bytes)); }

// --- the table

/// One type: how it is called, what one says for a value, how many bytes to offer, and both directions; those
/// that cannot be set have no form and no encode.
struct Codec {
  OptionType type;
  std::string_view name, form;
  std::size_t size;
  Bytes (*encode)(const std::string&);
  OptionValue (*decode)(std::string_view);
};

constexpr std::size_t most_bytes = 4096;
constexpr std::string_view any_interface = "a network interface, by name or number";

using Type = OptionType;
constexpr std::array codecs{
    Codec{Type::integer, "integer", "a number", sizeof(int), encode_integer, decode_integer},
    Codec{Type::number, "number", "a number", sizeof(std::uint64_t), encode_number, decode_number},
    Codec{Type::boolean, "boolean", "on or off", sizeof(int), encode_boolean, decode_boolean},
    Codec{Type::linger, "linger", "on,SECONDS or off", sizeof(linger), encode_linger, decode_linger},
    Codec{Type::timeval, "timeval", "a duration, like 250ms", sizeof(timeval), encode_timeval,
          decode_timeval},
    Codec{Type::text, "text", "a word", most_bytes, encode_text, decode_text},
    Codec{Type::bytes, "bytes", "bytes in hexadecimal", most_bytes, encode_bytes, decode_bytes},
    Codec{Type::family, "integer", "an address family", sizeof(int), encode_constant<address_families>,
          decode_constant<address_families>},
    Codec{Type::socket_type, "integer", "", sizeof(int), nullptr, decode_constant<socket_types>},
    Codec{Type::protocol, "integer", "", sizeof(int), nullptr, decode_protocol},
    Codec{Type::path_mtu_discovery, "integer", "a number or dont, want, do, probe, interface, omit",
          sizeof(int), encode_constant<path_mtu_modes>, decode_constant<path_mtu_modes>},
    Codec{Type::error, "integer", "", sizeof(int), nullptr, decode_error},
    Codec{Type::interface, "interface", any_interface, sizeof(int), encode_interface, decode_interface},
    Codec{Type::network_interface, "interface", any_interface, sizeof(int), encode_network_interface,
          decode_network_interface},
    Codec{Type::multicast_interface, "address", "an interface's address, name or number", sizeof(in_addr),
          encode_multicast_interface, decode_multicast_interface},
    Codec{Type::membership, "membership", "GROUP[,INTERFACE]", most_bytes, encode_membership, decode_bytes},
    Codec{Type::membership6, "membership", "ADDRESS[,INTERFACE]", most_bytes, encode_membership6,
          decode_bytes},
    Codec{Type::membership46, "membership", "GROUP[,INTERFACE]", most_bytes, encode_membership46,
          decode_bytes},
    Codec{Type::source_membership, "membership", "GROUP,SOURCE[,ADDRESS]", most_bytes,
          encode_source_membership, decode_bytes},
    Codec{Type::source_membership46, "membership", "GROUP,SOURCE[,INTERFACE]", most_bytes,
          encode_source_membership46, decode_bytes},
    Codec{Type::port_range, "ports", "LOW-HIGH", sizeof(std::uint32_t), encode_port_range, decode_port_range},
    Codec{Type::credentials, "credentials", "", sizeof(ucred), nullptr, decode_credentials},
    Codec{Type::groups, "groups", "", 65536 * sizeof(gid_t), nullptr, decode_groups},
    Codec{Type::transmit_time, "structure", "CLOCK,FLAGS", sizeof(sock_txtime), encode_transmit_time,
          decode_transmit_time},
    Codec{Type::filter, "filter", "COUNT,CODE JT JF K,...", most_bytes, encode_filter, decode_bytes},
    Codec{Type::memory, "structure", "", SK_MEMINFO_VARS * sizeof(std::uint32_t), nullptr, decode_memory},
    Codec{Type::path_mtu, "structure", "", sizeof(ip6_mtuinfo), nullptr, decode_path_mtu},
    Codec{Type::tcp_info, "structure", "", tcp_info_size, nullptr, decode_info},
};

constexpr bool is_in_order() {
  for (std::size_t i = 0; i < codecs.size(); ++i)
    if (codecs[i].type != static_cast<Type>(i)) return false;
  return true;
}
static_assert(is_in_order(), "a type is the index of its codec");

const Codec& codec_of(OptionType type) { return codecs.at(static_cast<std::size_t>(type)); }

}  // namespace

std::string_view name_of(OptionType type) { return codec_of(type).name; }
std::string_view form_of(OptionType type) { return codec_of(type).form; }
std::size_t size_of(OptionType type) { return codec_of(type).size; }

std::optional<std::string> encode(OptionType type, const std::string& value) {
  const auto& codec = codec_of(type);
  return codec.encode ? codec.encode(value) : std::nullopt;
}

OptionValue decode(OptionType type, std::string_view bytes) { return codec_of(type).decode(bytes); }

}  // namespace sockx

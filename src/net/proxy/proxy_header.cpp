#include "net/proxy/proxy_header.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/text.hpp"
#include "base/words.hpp"

namespace sockx {

namespace {

constexpr std::string_view v1_begins = "PROXY ";
constexpr std::string_view v1_unknown = "PROXY UNKNOWN";
constexpr std::string_view signature_v2("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::string_view line_end_v1 = "\r\n";

// The 13th byte of v2: version and command.
constexpr unsigned version_2 = 0x20, command_local = 0x20, command_proxy = 0x21;
// The 14th: the address family, and the transport: 1 is a stream, 2 datagrams.
enum Family : unsigned { family_unspecified = 0, family_inet = 1, family_inet6 = 2, family_unix = 3 };
constexpr unsigned stream_transport = 1, datagram_transport = 2;
constexpr std::size_t unix_name_size = 108;
constexpr unsigned char tlv_checksum = 0x03;
constexpr std::size_t tlv_head = 3;  // type, and the length in two bytes

[[noreturn]] void refuse_header(const std::string& reason) {
  throw BadProxyHeader("the PROXY header: " + reason);
}

std::string quoted_part(std::string_view bytes) {
  constexpr std::size_t most = 40;
  return text("'{}{}'", escaped(bytes.substr(0, most), "'"), bytes.size() > most ? "..." : "");
}

unsigned octet_at(std::string_view bytes, std::size_t at) { return static_cast<unsigned char>(bytes[at]); }

std::size_t two_octets_at(std::string_view bytes, std::size_t at) {
  return octet_at(bytes, at) << 8 | octet_at(bytes, at + 1);
}

std::string as_two_octets(std::size_t number) {
  return {static_cast<char>(number >> 8 & 0xff), static_cast<char>(number & 0xff)};
}

/// CRC-32C (RFC 3720, B.4).
std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t sum = ~0U;
  for (const char letter : bytes) {
    sum ^= static_cast<unsigned char>(letter);
    for (int bit = 0; bit < 8; ++bit) sum = sum >> 1 ^ (sum & 1 ? 0x82f63b78U : 0U);
  }
  return ~sum;
}

/// 4 or 16 bytes of an address.
std::string internet_bytes(const Address& address) {
  const auto* const data = address.data();
  if (address.family() == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in*>(data)->sin_addr;
    return {reinterpret_cast<const char*>(&v4), sizeof v4};
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6*>(data)->sin6_addr;
  const std::string bytes(reinterpret_cast<const char*>(&v6), sizeof v6);
  return address.is_ipv4_mapped() ? bytes.substr(12) : bytes;
}

/// An IPv4 address in IPv6's form.
std::string mapped_into_ipv6(const std::string& bytes) {
  return bytes.size() == 16 ? bytes : std::string(10, '\0') + "\xff\xff" + bytes;
}

/// The ends of a connection of IPv4 or IPv6, as both versions of the header have them.
struct InternetEnds {
  int family;
  std::string source, destination;  // 4 or 16 bytes
  std::uint32_t source_port, destination_port;
};

/// Nothing where one of them is of another family.
std::optional<InternetEnds> internet_ends(const ConnectionEnds& ends) {
  if (!is_internet(ends.source.family()) || !is_internet(ends.destination.family())) return {};
  InternetEnds found{AF_INET, internet_bytes(ends.source), internet_bytes(ends.destination),
                     ends.source.port(), ends.destination.port()};
  if (found.source.size() == 4 && found.destination.size() == 4) return found;
  found.family = AF_INET6;
  found.source = mapped_into_ipv6(found.source);
  found.destination = mapped_into_ipv6(found.destination);
  return found;
}

std::string shown_internet(int family, const std::string& bytes) {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  return inet_ntop(family, bytes.data(), buffer.data(), buffer.size());
}

std::string encode_v1(const ProxyHeader& header) {
  const auto ends = header.ends ? internet_ends(*header.ends) : std::nullopt;
  if (!ends) return text("{}{}", v1_unknown, line_end_v1);
  return text("{}{} {} {} {} {}{}", v1_begins, ends->family == AF_INET ? "TCP4" : "TCP6",
              shown_internet(ends->family, ends->source), shown_internet(ends->family, ends->destination),
              ends->source_port, ends->destination_port, line_end_v1);
}

/// The name of a unix socket, filled up with zeros; an abstract one begins with one.
std::string unix_name_bytes(const Address& address) {
  const auto& name = reinterpret_cast<const sockaddr_un*>(address.data())->sun_path;
  const auto size = address.size() - std::min<std::size_t>(address.size(), offsetof(sockaddr_un, sun_path));
  std::string bytes(name, std::min(size, sizeof name));
  bytes.resize(unix_name_size);
  return bytes;
}

std::string encode_v2(const ProxyHeader& header) {
  unsigned family = family_unspecified;
  std::string addresses;
  if (header.ends) {
    const auto& [source, destination] = *header.ends;
    if (const auto ends = internet_ends(*header.ends)) {
      family = (ends->family == AF_INET ? family_inet : family_inet6) << 4 | stream_transport;
      addresses = ends->source + ends->destination + as_two_octets(ends->source_port) +
                  as_two_octets(ends->destination_port);
    } else if (source.family() == AF_UNIX && destination.family() == AF_UNIX) {
      family = family_unix << 4 | stream_transport;
      addresses = unix_name_bytes(source) + unix_name_bytes(destination);
    }
  }
  std::string bytes(signature_v2);
  bytes += static_cast<char>(header.is_local ? command_local : command_proxy);
  bytes += static_cast<char>(family);
  return bytes + as_two_octets(addresses.size()) + addresses;
}

Address told_internet_address(int family, std::string_view bytes, std::uint16_t port) {
  if (family == AF_INET) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, bytes.data(), sizeof v4.sin_addr);
    return {reinterpret_cast<const sockaddr*>(&v4), sizeof v4};
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  std::memcpy(&v6.sin6_addr, bytes.data(), sizeof v6.sin6_addr);
  return {reinterpret_cast<const sockaddr*>(&v6), sizeof v6};
}

/// Of the 108 bytes of a name.
Address told_unix_address(std::string_view bytes) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const bool is_path = bytes.front() != '\0';
  const auto size = is_path ? std::min(bytes.find('\0'), bytes.size()) : bytes.find_last_not_of('\0') + 1;
  std::memcpy(address.sun_path, bytes.data(), size);
  return {reinterpret_cast<const sockaddr*>(&address),
          static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size)};
}

std::uint16_t parse_told_port(std::string_view word) {
  const bool is_padded = word.size() > 1 && word.front() == '0';
  const auto port = is_all_digits(word) && !is_padded ? number_in<std::uint16_t>(word) : std::nullopt;
  if (!port) refuse_header(text("{} is not a port", quoted_part(word)));
  return *port;
}

/// As inet_pton(3) reads it, which refuses zeros in front, names and zones.
Address parse_told_address(int family, std::string_view word, std::string_view port) {
  std::array<char, sizeof(in6_addr)> bytes{};
  const bool has_nul = word.find('\0') != word.npos;
  if (has_nul || inet_pton(family, std::string(word).c_str(), bytes.data()) != 1)
    refuse_header(text("{} is not an {} address", quoted_part(word), family == AF_INET ? "IPv4" : "IPv6"));
  return told_internet_address(family, {bytes.data(), bytes.size()}, parse_told_port(port));
}

/// `line` is without its end.
ProxyHeader parse_v1(std::string_view line) {
  ProxyHeader header{ProxyHeaderVersion::v1, false, {}};
  std::vector<std::string_view> words;
  for (auto rest = line.substr(v1_begins.size());;) {
    const auto space = rest.find(' ');
    words.push_back(rest.substr(0, space));
    if (space == rest.npos) break;
    rest.remove_prefix(space + 1);
  }
  const auto& protocol = words.front();
  if (protocol == "UNKNOWN") return header;  // what follows is to be ignored
  if (protocol != "TCP4" && protocol != "TCP6")
    refuse_header(text("{} is not TCP4, TCP6 or UNKNOWN", quoted_part(protocol)));
  if (words.size() != 5)
    refuse_header(text("{} has {} after {} instead of two addresses and two ports", quoted_part(line),
                       counted(words.size() - 1, "word"), protocol));
  const int family = protocol == "TCP4" ? AF_INET : AF_INET6;
  header.ends = {parse_told_address(family, words[1], words[3]),
                 parse_told_address(family, words[2], words[4])};
  return header;
}

/// Throws BadProxyHeader if a TLV does not fit, or the checksum of the whole header is wrong.
void check_tlvs(std::string_view header, std::size_t at) {
  while (at < header.size()) {
    if (header.size() - at < tlv_head)
      refuse_header(text("{} are too few for a TLV", counted(header.size() - at, "byte")));
    const auto type = octet_at(header, at);
    const auto size = two_octets_at(header, at + 1), left = header.size() - at - tlv_head;
    if (size > left)
      refuse_header(text("a TLV of type {:#04x} has {} bytes, and {} are left", type, size, left));
    at += tlv_head;
    if (type == tlv_checksum) {
      if (size != 4) refuse_header(text("a checksum has 4 bytes, and not {}", size));
      std::string cleared(header);
      cleared.replace(at, 4, 4, '\0');
      const auto told = two_octets_at(header, at) << 16 | two_octets_at(header, at + 2);
      if (told != crc32c(cleared)) refuse_header("its checksum is wrong");
    }
    at += size;
  }
}

ProxyHeader parse_v2(std::string_view bytes) {
  ProxyHeader header{ProxyHeaderVersion::v2, false, {}};
  const auto command = octet_at(bytes, 12), kind = octet_at(bytes, 13), family = kind >> 4;
  if (command == command_local) {  // the family and all that follows are to be ignored
    header.is_local = true;
    return header;
  }
  if (command != command_proxy) refuse_header(text("command {} is not known", command & 0xf));
  const auto transport = kind & 0xf;
  if (kind == family_unspecified) return header;  // the same
  if (family == family_unspecified || family > family_unix ||
      (transport != stream_transport && transport != datagram_transport))
    refuse_header(text("{:#04x} is not a known pair of address family and transport", kind));
  const std::size_t size_of_end = family == family_inet ? 4 : family == family_inet6 ? 16 : unix_name_size;
  const auto size = 2 * size_of_end + (family == family_unix ? 0 : 4);
  const auto given = bytes.size() - start_of_proxy_header_v2;
  if (given < size)
    refuse_header(text("{} are too few for the addresses, which have {}", counted(given, "byte"), size));
  const auto block = bytes.substr(start_of_proxy_header_v2, size);
  const auto source = block.substr(0, size_of_end), destination = block.substr(size_of_end, size_of_end);
  if (family == family_unix) {
    header.ends = {told_unix_address(source), told_unix_address(destination)};
  } else {
    const int of = family == family_inet ? AF_INET : AF_INET6;
    const auto port = [&](std::size_t at) { return static_cast<std::uint16_t>(two_octets_at(block, at)); };
    header.ends = {told_internet_address(of, source, port(size - 4)),
                   told_internet_address(of, destination, port(size - 2))};
  }
  check_tlvs(bytes, start_of_proxy_header_v2 + size);
  return header;
}

std::optional<std::size_t> size_of_v1(std::string_view beginning) {
  const auto looked_at = beginning.substr(0, longest_proxy_header_v1);
  // What follows UNKNOWN is ignored. Any other line has no line feed before its end.
  const bool is_unknown = looked_at.starts_with(v1_unknown);
  const auto line_feed = looked_at.find('\n'), end = looked_at.find(line_end_v1);
  if (!is_unknown && line_feed != looked_at.npos && line_feed != end + 1)
    refuse_header("its line does not end by CR and LF");
  if (end != looked_at.npos) return end + line_end_v1.size();
  if (looked_at.size() == longest_proxy_header_v1)
    refuse_header(text("its line has more than {} bytes", longest_proxy_header_v1));
  return {};
}

std::optional<std::size_t> size_of_v2(std::string_view beginning) {
  if (beginning.size() > signature_v2.size() &&
      (octet_at(beginning, signature_v2.size()) & 0xf0) != version_2)
    refuse_header(text("version {} is not known", octet_at(beginning, signature_v2.size()) >> 4));
  if (beginning.size() < start_of_proxy_header_v2) return {};
  return start_of_proxy_header_v2 + two_octets_at(beginning, start_of_proxy_header_v2 - 2);
}

bool may_begin(std::string_view beginning, std::string_view form) {
  return form.starts_with(beginning.substr(0, form.size()));
}

}  // namespace

std::string encode(const ProxyHeader& header) {
  return header.version == ProxyHeaderVersion::v1 ? encode_v1(header) : encode_v2(header);
}

std::optional<std::size_t> size_of_proxy_header(std::string_view beginning) {
  if (may_begin(beginning, v1_begins)) return size_of_v1(beginning);
  if (may_begin(beginning, signature_v2)) return size_of_v2(beginning);
  throw BadProxyHeader(text("{} does not begin a PROXY header", quoted_part(beginning)));
}

ProxyHeader parse_proxy_header(std::string_view header) {
  if (size_of_proxy_header(header) != header.size()) refuse_header("it is not whole");
  return header.starts_with(v1_begins) ? parse_v1(header.substr(0, header.size() - line_end_v1.size()))
                                       : parse_v2(header);
}

}  // namespace sockx

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
constexpr std::string_view signature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::string_view end_of_line = "\r\n";

// The 13th byte of v2: version and command.
constexpr unsigned version_2 = 0x20, command_local = 0x20, command_proxy = 0x21;
// The 14th: the address family, and the transport: 1 stream, 2 datagram.
enum Family : unsigned { unspecified = 0, inet = 1, inet6 = 2, unix_socket = 3 };
constexpr unsigned stream = 1, datagram = 2;
constexpr std::size_t unix_name_size = 108;
constexpr unsigned char tlv_checksum = 0x03;
constexpr std::size_t tlv_head = 3;  // type, and the length in two bytes

[[noreturn]] void refuse(const std::string& reason) { throw BadProxyHeader("the PROXY header: " + reason); }

std::string quoted(std::string_view bytes) {
  constexpr std::size_t most = 40;
  return text("'{}{}'", escaped(bytes.substr(0, most), "'"), bytes.size() > most ? "..." : "");
}

unsigned byte_at(std::string_view bytes, std::size_t at) { return static_cast<unsigned char>(bytes[at]); }

std::size_t number_at(std::string_view bytes, std::size_t at) {
  return byte_at(bytes, at) << 8 | byte_at(bytes, at + 1);
}

std::string two_bytes(std::size_t number) {
  return {static_cast<char>(number >> 8 & 0xff), static_cast<char>(number & 0xff)};
}

/// CRC-32C (RFC 3720, B.4).
std::uint32_t checksum(std::string_view bytes) {
  std::uint32_t sum = ~0U;
  for (const char letter : bytes) {
    sum ^= static_cast<unsigned char>(letter);
    for (int bit = 0; bit < 8; ++bit) sum = sum >> 1 ^ (sum & 1 ? 0x82f63b78U : 0U);
  }
  return ~sum;
}

/// 4 or 16 bytes of an address.
std::string bytes_of(const Address& address) {
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
std::string mapped(const std::string& bytes) {
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
  InternetEnds found{AF_INET, bytes_of(ends.source), bytes_of(ends.destination), ends.source.port(),
                     ends.destination.port()};
  if (found.source.size() == 4 && found.destination.size() == 4) return found;
  found.family = AF_INET6;
  found.source = mapped(found.source);
  found.destination = mapped(found.destination);
  return found;
}

std::string shown(int family, const std::string& bytes) {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  return inet_ntop(family, bytes.data(), buffer.data(), buffer.size());
}

std::string encode_v1(const ProxyHeader& header) {
  const auto ends = header.ends ? internet_ends(*header.ends) : std::nullopt;
  if (!ends) return text("{}{}", v1_unknown, end_of_line);
  return text("{}{} {} {} {} {}{}", v1_begins, ends->family == AF_INET ? "TCP4" : "TCP6",
              shown(ends->family, ends->source), shown(ends->family, ends->destination), ends->source_port,
              ends->destination_port, end_of_line);
}

/// The name of a unix socket, filled up with zeros; an abstract one begins with one.
std::string unix_bytes(const Address& address) {
  const auto& name = reinterpret_cast<const sockaddr_un*>(address.data())->sun_path;
  const auto size = address.size() - std::min<std::size_t>(address.size(), offsetof(sockaddr_un, sun_path));
  std::string bytes(name, std::min(size, sizeof name));
  bytes.resize(unix_name_size);
  return bytes;
}

std::string encode_v2(const ProxyHeader& header) {
  unsigned family = unspecified;
  std::string addresses;
  if (header.ends) {
    const auto& [source, destination] = *header.ends;
    if (const auto ends = internet_ends(*header.ends)) {
      family = (ends->family == AF_INET ? inet : inet6) << 4 | stream;
      addresses =
          ends->source + ends->destination + two_bytes(ends->source_port) + two_bytes(ends->destination_port);
    } else if (source.family() == AF_UNIX && destination.family() == AF_UNIX) {
      family = unix_socket << 4 | stream;
      addresses = unix_bytes(source) + unix_bytes(destination);
    }
  }
  std::string bytes(signature);
  bytes += static_cast<char>(header.is_local ? command_local : command_proxy);
  bytes += static_cast<char>(family);
  return bytes + two_bytes(addresses.size()) + addresses;
}

Address internet_address(int family, std::string_view bytes, std::uint16_t port) {
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
Address unix_address(std::string_view bytes) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const bool is_path = bytes.front() != '\0';
  const auto size = is_path ? std::min(bytes.find('\0'), bytes.size()) : bytes.find_last_not_of('\0') + 1;
  std::memcpy(address.sun_path, bytes.data(), size);
  return {reinterpret_cast<const sockaddr*>(&address),
          static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size)};
}

std::uint16_t parse_port(std::string_view word) {
  const bool is_padded = word.size() > 1 && word.front() == '0';
  const auto port = is_all_digits(word) && !is_padded ? number_in<std::uint16_t>(word) : std::nullopt;
  if (!port) refuse(text("{} is not a port", quoted(word)));
  return *port;
}

/// As inet_pton(3) reads it, which refuses zeros in front, names and zones.
Address parse_address(int family, std::string_view word, std::string_view port) {
  std::array<char, sizeof(in6_addr)> bytes{};
  const bool has_nul = word.find('\0') != word.npos;
  if (has_nul || inet_pton(family, std::string(word).c_str(), bytes.data()) != 1)
    refuse(text("{} is not an {} address", quoted(word), family == AF_INET ? "IPv4" : "IPv6"));
  return internet_address(family, {bytes.data(), bytes.size()}, parse_port(port));
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
    refuse(text("{} is not TCP4, TCP6 or UNKNOWN", quoted(protocol)));
  if (words.size() != 5)
    refuse(text("{} has {} after {} instead of two addresses and two ports", quoted(line),
                counted(words.size() - 1, "word"), protocol));
  const int family = protocol == "TCP4" ? AF_INET : AF_INET6;
  header.ends = {parse_address(family, words[1], words[3]), parse_address(family, words[2], words[4])};
  return header;
}

/// Throws BadProxyHeader if a TLV does not fit, or the checksum of the whole header is wrong.
void check_tlvs(std::string_view header, std::size_t at) {
  while (at < header.size()) {
    if (header.size() - at < tlv_head)
      refuse(text("{} are too few for a TLV", counted(header.size() - at, "byte")));
    const auto type = byte_at(header, at);
    const auto size = number_at(header, at + 1), left = header.size() - at - tlv_head;
    if (size > left) refuse(text("a TLV of type {:#04x} has {} bytes, and {} are left", type, size, left));
    at += tlv_head;
    if (type == tlv_checksum) {
      if (size != 4) refuse(text("a checksum has 4 bytes, and not {}", size));
      std::string cleared(header);
      cleared.replace(at, 4, 4, '\0');
      const auto told = number_at(header, at) << 16 | number_at(header, at + 2);
      if (told != checksum(cleared)) refuse("its checksum is wrong");
    }
    at += size;
  }
}

ProxyHeader parse_v2(std::string_view bytes) {
  ProxyHeader header{ProxyHeaderVersion::v2, false, {}};
  const auto command = byte_at(bytes, 12), kind = byte_at(bytes, 13), family = kind >> 4;
  if (command == command_local) {  // the family and all that follows are to be ignored
    header.is_local = true;
    return header;
  }
  if (command != command_proxy) refuse(text("command {} is not known", command & 0xf));
  const auto transport = kind & 0xf;
  if (kind == unspecified) return header;  // the same
  if (family == unspecified || family > unix_socket || (transport != stream && transport != datagram))
    refuse(text("{:#04x} is not a known pair of address family and transport", kind));
  const std::size_t size_of_end = family == inet ? 4 : family == inet6 ? 16 : unix_name_size;
  const auto size = 2 * size_of_end + (family == unix_socket ? 0 : 4);
  const auto given = bytes.size() - start_of_proxy_header_v2;
  if (given < size)
    refuse(text("{} are too few for the addresses, which have {}", counted(given, "byte"), size));
  const auto block = bytes.substr(start_of_proxy_header_v2, size);
  const auto source = block.substr(0, size_of_end), destination = block.substr(size_of_end, size_of_end);
  if (family == unix_socket) {
    header.ends = {unix_address(source), unix_address(destination)};
  } else {
    const int of = family == inet ? AF_INET : AF_INET6;
    const auto port = [&](std::size_t at) { return static_cast<std::uint16_t>(number_at(block, at)); };
    header.ends = {internet_address(of, source, port(size - 4)),
                   internet_address(of, destination, port(size - 2))};
  }
  check_tlvs(bytes, start_of_proxy_header_v2 + size);
  return header;
}

std::optional<std::size_t> size_of_v1(std::string_view beginning) {
  const auto looked_at = beginning.substr(0, longest_proxy_header_v1);
  // What follows UNKNOWN is ignored. Any other line has no line feed before its end.
  const bool is_unknown = looked_at.starts_with(v1_unknown);
  const auto line_feed = looked_at.find('\n'), end = looked_at.find(end_of_line);
  if (!is_unknown && line_feed != looked_at.npos && line_feed != end + 1)
    refuse("its line does not end by CR and LF");
  if (end != looked_at.npos) return end + end_of_line.size();
  if (looked_at.size() == longest_proxy_header_v1)
    refuse(text("its line has more than {} bytes", longest_proxy_header_v1));
  return {};
}

std::optional<std::size_t> size_of_v2(std::string_view beginning) {
  if (beginning.size() > signature.size() && (byte_at(beginning, signature.size()) & 0xf0) != version_2)
    refuse(text("version {} is not known", byte_at(beginning, signature.size()) >> 4));
  if (beginning.size() < start_of_proxy_header_v2) return {};
  return start_of_proxy_header_v2 + number_at(beginning, start_of_proxy_header_v2 - 2);
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
  if (may_begin(beginning, signature)) return size_of_v2(beginning);
  throw BadProxyHeader(text("{} does not begin a PROXY header", quoted(beginning)));
}

ProxyHeader parse_proxy_header(std::string_view header) {
  if (size_of_proxy_header(header) != header.size()) refuse("it is not whole");
  return header.starts_with(v1_begins) ? parse_v1(header.substr(0, header.size() - end_of_line.size()))
                                       : parse_v2(header);
}

}  // namespace sockx

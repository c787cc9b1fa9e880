#include "net/stream/access_rule.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/words.hpp"
#include "net/address/numeric_address.hpp"

namespace sockx {

namespace {

constexpr unsigned mapped_bits = 96;  // of ::ffff:0:0, before the IPv4 address

/// Sets the bits after the prefix to 0; false when they were 0.
bool clear_host_bits(Network& network) {
  bool changed = false;
  for (unsigned bit = network.prefix; bit < 8 * network.bytes.size(); ++bit) {
    auto& byte = network.bytes[bit / 8];
    const auto kept = static_cast<std::uint8_t>(byte & ~(0x80U >> bit % 8));
    changed = changed || kept != byte;
    byte = kept;
  }
  return changed;
}

Network parse_network(const std::string& word, const Address& address, const std::string& bits) {
  Network network(address);
  const bool is_mapped = address.family() == AF_INET6 && network.family == AF_INET;
  const unsigned before = is_mapped ? mapped_bits : 0, most = before + network.prefix;
  const auto prefix = is_all_digits(bits) ? number_in<unsigned>(bits) : std::nullopt;
  if (!prefix || *prefix > most)
    throw BadInput(text("'{}': '{}' is no number of bits from 0 to {}", word, bits, most));
  if (*prefix < before)
    throw BadInput(text("'{}': a network of mapped addresses has at least {} bits", word, before));
  network.prefix = *prefix - before;
  if (clear_host_bits(network))
    throw BadInput(
        text("'{}': there are bits set after the first {}: say {} for the network, or {} for the host", word,
             *prefix, network.to_string(), address.host()));
  return network;
}

/// A name of DNS or of hosts(5). One that ends in a number would be read as an address by inet_aton(3).
bool is_host_name(const std::string& word) {
  const auto is_of_name = [](unsigned char letter) {
    return (letter | 0x20) >= 'a' && (letter | 0x20) <= 'z'
               ? true
               : (letter >= '0' && letter <= '9') || letter == '-' || letter == '_' || letter == '.';
  };
  const auto trimmed = word.ends_with('.') ? word.substr(0, word.size() - 1) : word;
  const auto last = trimmed.substr(trimmed.rfind('.') + 1);
  return !last.empty() && !trimmed.starts_with('.') && !trimmed.starts_with('-') &&
         trimmed.find("..") == std::string::npos && (last.front() < '0' || last.front() > '9') &&
         std::ranges::all_of(trimmed, is_of_name);
}

}  // namespace

Network::Network(const Address& address) {
  family = address.family();
  if (family == AF_INET) {
    std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in*>(address.data())->sin_addr, 4);
    prefix = 32;
    return;
  }
  const auto& v6 = *reinterpret_cast<const sockaddr_in6*>(address.data());
  if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
    family = AF_INET;
    std::memcpy(bytes.data(), &v6.sin6_addr.s6_addr[12], 4);
    prefix = 32;
    return;
  }
  std::memcpy(bytes.data(), &v6.sin6_addr, 16);
  scope = v6.sin6_scope_id;
  prefix = 128;
}

bool Network::contains(const Address& address) const {
  if (address.family() != AF_INET && address.family() != AF_INET6) return false;
  const Network whole(address);
  if (whole.family != family || (scope != 0 && whole.scope != scope)) return false;
  return whole.within(prefix).bytes == bytes;
}

Network Network::within(unsigned bits) const {
  auto wider = *this;
  wider.prefix = bits;
  clear_host_bits(wider);
  return wider;
}

std::string Network::to_string() const {
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  v4.sin_family = AF_INET;
  v6.sin6_family = AF_INET6;
  v6.sin6_scope_id = scope;
  std::memcpy(&v4.sin_addr, bytes.data(), 4);
  std::memcpy(&v6.sin6_addr, bytes.data(), 16);
  const bool is_v4 = family == AF_INET;
  const Address address(
      is_v4 ? reinterpret_cast<const sockaddr*>(&v4) : reinterpret_cast<const sockaddr*>(&v6),
      is_v4 ? sizeof v4 : sizeof v6);
  return prefix == (is_v4 ? 32U : 128U) ? address.host() : text("{}/{}", address.host(), prefix);
}

AccessRule parse_access_rule(const std::string& word) {
  if (word.empty())
    throw BadInput(
        "'': a rule is missing; a rule is like 192.0.2.0/24, 2001:db8::/32, a host's name, or uid:USER");
  if (word.starts_with("uid:")) {
    if (word.size() == 4) throw BadInput(text("'{}': say uid:USER, a name or a number", word));
    return User{word.substr(4)};
  }
  const auto slash = word.find('/');
  const auto host = word.substr(0, slash);
  if (const auto address = numeric_address(host)) {
    if (slash == std::string::npos) return Network(*address);
    return parse_network(word, *address, word.substr(slash + 1));
  }
  if (!is_host_name(word))
    throw BadInput(
        text("'{}': a rule is like 192.0.2.0/24, 2001:db8::/32, a host's name, or uid:USER", word));
  return HostName{word};
}

}  // namespace sockx

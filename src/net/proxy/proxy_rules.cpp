#include "net/proxy/proxy_rules.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/words.hpp"
#include "net/address/endpoint.hpp"
#include "net/address/numeric_address.hpp"

namespace sockx {

namespace {

constexpr std::string_view examples =
    "192.0.2.0/24, [2001:db8::/32]:443, example.com, example.com:443 or :443";
constexpr unsigned embedding_bits = 96;  // before an IPv4 address in an IPv6 one

/// Addresses that lead to this host, or to nobody in particular.
struct SpecialNetwork {
  Network network;
  std::string_view name;
};

Network network_of(const char* word) { return std::get<Network>(parse_access_rule(word)); }

const std::array<SpecialNetwork, 9>& special_networks() {
  static const std::array<SpecialNetwork, 9> all{{
      {network_of("0.0.0.0/8"), "an unspecified"},
      {network_of("127.0.0.0/8"), "a loopback"},
      {network_of("169.254.0.0/16"), "a link-local"},
      {network_of("224.0.0.0/4"), "a multicast"},
      {network_of("255.255.255.255/32"), "a broadcast"},
      {network_of("::/128"), "an unspecified"},
      {network_of("::1/128"), "a loopback"},
      {network_of("fe80::/10"), "a link-local"},
      {network_of("ff00::/8"), "a multicast"},
  }};
  return all;
}

Address ipv4_in(const in6_addr& address, std::uint32_t port) {
  sockaddr_in inner{};
  inner.sin_family = AF_INET;
  inner.sin_port = htons(static_cast<std::uint16_t>(port));
  std::memcpy(&inner.sin_addr, &address.s6_addr[12], 4);
  return {reinterpret_cast<const sockaddr*>(&inner), sizeof inner};
}

/// The IPv4 address in an IPv6 address that is dialed as it is.
std::optional<Address> embedded(const Address& address) {
  if (address.family() != AF_INET6) return {};
  static const auto nat64 = network_of("64:ff9b::/96");
  const auto& bytes = reinterpret_cast<const sockaddr_in6*>(address.data())->sin6_addr;
  if (!IN6_IS_ADDR_V4COMPAT(&bytes) && !nat64.contains(address)) return {};
  return ipv4_in(bytes, address.port());
}

std::string lower_case(std::string_view word) {
  std::string lower(word);
  for (auto& letter : lower)
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter | 0x20);
  return lower;
}

/// Whether `host` is a name that is `suffix` or ends with it. The text of an address is not a name.
bool has_suffix(const std::string& host, const std::string& suffix) {
  auto name = lower_case(host);
  if (name.ends_with('.')) name.pop_back();
  return name == suffix || name.ends_with('.' + suffix);
}

bool has_port(const ProxyRule& rule, const Address& address) {
  return address.port() >= rule.first_port && address.port() <= rule.last_port;
}

bool matches(const ProxyRule& rule, const std::string& host, const Address& address) {
  if (!has_port(rule, address)) return false;
  if (!rule.suffix.empty()) return has_suffix(host, rule.suffix);
  const auto contains = [&](const Network& network) { return network.contains(address); };
  return rule.networks.empty() || std::ranges::any_of(rule.networks, contains);
}

/// Whether the rule means the address and nothing but a part of a special network, which has so many bits.
bool names(const ProxyRule& rule, const Address& address, unsigned bits) {
  const auto is_part = [&](const Network& network) {
    return network.prefix >= bits && network.contains(address);
  };
  return has_port(rule, address) && std::ranges::any_of(rule.networks, is_part);
}

const SpecialNetwork* special_network_of(const Address& address) {
  for (const auto& special : special_networks())
    if (special.network.contains(address)) return &special;
  return nullptr;
}

void parse_ports(ProxyRule& rule, const std::string& ports) {
  const auto dash = ports.find('-');
  const bool is_range = dash != std::string::npos && is_all_digits(ports.substr(0, dash));
  try {
    rule.first_port = parse_port(is_range ? ports.substr(0, dash) : ports);
    rule.last_port = is_range ? parse_port(ports.substr(dash + 1)) : rule.first_port;
  } catch (const BadInput& error) {
    throw BadInput(text("'{}': {}", rule.word, error.what()));
  }
  if (rule.first_port == 0 || rule.first_port > rule.last_port)
    throw BadInput(text("'{}': ports are like 443 or 8000-8099", rule.word));
}

void parse_host(ProxyRule& rule, std::string host) {
  if (host == "*") return;
  if (lower_case(host) == "localhost") {
    rule.networks = {network_of("127.0.0.0/8"), network_of("::1")};
    return;
  }
  const bool is_network = host.find('/') != std::string::npos || numeric_address(host);
  if (!is_network && host.starts_with('.')) host.erase(0, 1);
  AccessRule parsed = HostName{};
  try {
    parsed = parse_access_rule(host);
  } catch (const BadInput& error) {
    if (is_network && numeric_address(host.substr(0, host.find('/')))) throw;
    throw BadInput(text("'{}': a rule is like {}", rule.word, examples));
  }
  if (const auto* const network = std::get_if<Network>(&parsed)) {
    rule.networks = {*network};
  } else if (const auto* const name = std::get_if<HostName>(&parsed)) {
    rule.suffix = lower_case(name->name);
    if (rule.suffix.ends_with('.')) rule.suffix.pop_back();
  } else {
    throw BadInput(text("'{}': a rule is like {}", rule.word, examples));
  }
}

}  // namespace

ProxyRule parse_proxy_rule(const std::string& word) {
  ProxyRule rule{word, {}, {}};
  if (word.empty()) throw BadInput(text("'': a rule is missing; a rule is like {}", examples));
  if (word.starts_with('[')) {
    const auto close = word.find(']');
    const auto host = word.substr(1, close == std::string::npos ? close : close - 1);
    const auto ports = close == std::string::npos ? "" : word.substr(close + 1);
    const bool is_v6 = host.find(':') != std::string::npos;
    if (close == std::string::npos || !is_v6 || (!ports.empty() && !ports.starts_with(':')))
      throw BadInput(text("'{}': an address in brackets is like [2001:db8::/32]:443", word));
    parse_host(rule, host);
    if (!ports.empty()) parse_ports(rule, ports.substr(1));
    return rule;
  }
  const auto colon = word.find(':');
  const bool has_one = colon != std::string::npos && colon == word.rfind(':');
  const auto host = has_one ? word.substr(0, colon) : word;
  if (!host.empty()) parse_host(rule, host);
  if (has_one) parse_ports(rule, word.substr(colon + 1));
  return rule;
}

std::vector<ProxyRule> parse_proxy_rules(const std::string& list) {
  std::vector<ProxyRule> rules;
  for (const auto& word : split_list(list)) rules.push_back(parse_proxy_rule(word));
  return rules;
}

Address canonical(const Address& address) {
  if (!address.is_ipv4_mapped()) return address;
  return ipv4_in(reinterpret_cast<const sockaddr_in6*>(address.data())->sin6_addr, address.port());
}

std::optional<ProxyRuleDenial> ProxyRules::reason_to_deny(const std::string& host,
                                                          const Address& address) const {
  const auto inner = embedded(address);
  const auto means = [&](const ProxyRule& rule) {
    return matches(rule, host, address) || (inner && matches(rule, host, *inner));
  };
  const auto denied = std::ranges::find_if(denied_, means);
  if (denied != denied_.end()) return ProxyRuleDenial{text("denied by {}", denied->word)};
  const auto* special = special_network_of(address);
  unsigned bits = special != nullptr ? special->network.prefix : 0;
  if (special == nullptr && inner) {
    special = special_network_of(*inner);
    bits = special != nullptr ? embedding_bits + special->network.prefix : 0;
  }
  const auto is_named = [&](const ProxyRule& rule) { return names(rule, address, bits); };
  if (special != nullptr && std::ranges::none_of(permitted_, is_named))
    return ProxyRuleDenial{text("{} is {} address, which no rule names", address.host(), special->name),
                           address.host()};
  if (!permitted_.empty() && std::ranges::none_of(permitted_, means))
    return ProxyRuleDenial{"no rule permits it"};
  return {};
}

}  // namespace sockx

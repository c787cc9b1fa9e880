// ProxyRules: where the clients of a proxy may be connected to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/address/address.hpp"
#include "net/stream/access_rule.hpp"

namespace sockx {

/// The targets that one word means: networks, or names with this end, or every host; and some ports of them.
struct ProxyRule {
  std::string word;
  std::vector<Network> networks;  // empty: the name decides, or it means every host
  std::string suffix;             // of a name, in lower case, without a dot at either end
  std::uint16_t first_port = 0, last_port = 65535;
};

/// Reads ADDRESS, ADDRESS/BITS, NAME or `*`, each with :PORT or :PORT-PORT behind it, or that alone; IPv6
/// before a port is in brackets. `localhost` is short for 127.0.0.0/8 and ::1. Looks no host up. Throws
/// BadInput, which quotes the word.
ProxyRule parse_proxy_rule(const std::string& word);
/// The same for words that are separated by commas.
std::vector<ProxyRule> parse_proxy_rules(const std::string& list);

/// An IPv4-mapped address as the IPv4 address that it stands for; any other as it is.
Address canonical(const Address& address);

/// Why a target is denied.
struct ProxyRuleDenial {
  std::string reason;
  std::string permission = {};  // the rule that would permit an address that has to be named
};

/// A denial is stronger than a permission. With permissions, nothing else is permitted. Addresses that lead
/// to this host or its link (loopback, unspecified, link-local, multicast, broadcast) are permitted only if a
/// rule names them: a network that has no other addresses. A name, a port or 0.0.0.0/0 is not enough.
///
/// An IPv6 address that has an IPv4 address in it (::a.b.c.d, or 64:ff9b::a.b.c.d of RFC 6052) is denied,
/// too, if that one is, and permitted if that one is.
class ProxyRules {
 public:
  ProxyRules() = default;
  ProxyRules(std::vector<ProxyRule> permitted, std::vector<ProxyRule> denied)
      : permitted_(std::move(permitted)), denied_(std::move(denied)) {}

  /// Why the address, which is canonical, is not dialed for a client that has asked for `host`; or nothing.
  std::optional<ProxyRuleDenial> reason_to_deny(const std::string& host, const Address& address) const;

 private:
  std::vector<ProxyRule> permitted_, denied_;
};

}  // namespace sockx

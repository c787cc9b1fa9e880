#include "net/proxy/proxy_environment.hpp"

#include <strings.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/words.hpp"
#include "net/address/numeric_address.hpp"
#include "net/stream/access_rule.hpp"
#include "os/environment.hpp"

namespace sockx {

namespace {

// Of each pair the one in lower case is looked at first, as curl(1) does.
constexpr std::array proxy_variables{"all_proxy", "ALL_PROXY", "https_proxy", "HTTPS_PROXY"};
constexpr std::array exception_variables{"no_proxy", "NO_PROXY"};

bool is_same_word(std::string_view one, std::string_view other) {
  return one.size() == other.size() && strncasecmp(one.data(), other.data(), one.size()) == 0;
}

std::string_view without_dot_at_end(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return name;
}

bool is_below(std::string_view host, std::string_view domain) {
  host = without_dot_at_end(host);
  domain = without_dot_at_end(domain);
  if (domain.empty() || host.size() < domain.size()) return false;
  const auto before = host.size() - domain.size();
  return is_same_word(host.substr(before), domain) && (before == 0 || host[before - 1] == '.');
}

/// The network that an entry is, ADDRESS or ADDRESS/BITS. Bits behind the prefix do not matter.
std::optional<Network> network_in(const std::string& entry) {
  const auto slash = entry.find('/');
  const auto address = numeric_address(entry.substr(0, slash));
  if (!address) return {};
  const Network whole(*address);
  if (slash == std::string::npos) return whole;
  const auto bits = number_in<unsigned>(entry.substr(slash + 1));
  if (!bits || *bits > whole.prefix) return {};
  return whole.within(*bits);
}

/// Takes the port off an entry that has one.
std::optional<std::uint16_t> take_port(std::string& entry) {
  const auto colon = entry.rfind(':');
  if (colon == std::string::npos) return {};
  const bool is_bracketed = entry.starts_with('[') && colon > 0 && entry[colon - 1] == ']';
  if (!is_bracketed && entry.find(':') != colon) return {};  // IPv6
  const auto port = number_in<std::uint16_t>(entry.substr(colon + 1));
  if (port) entry.erase(colon);
  return port;
}

bool is_meant(std::string entry, const HostPort& target) {
  if (entry == "*") return true;
  const auto port = take_port(entry);
  if (port && *port != target.port) return false;
  if (entry.starts_with('[') && entry.ends_with(']')) entry = entry.substr(1, entry.size() - 2);
  if (const auto address = numeric_address(target.host)) {
    const auto network = network_in(entry);
    return network && network->contains(*address);
  }
  if (entry.starts_with("*.")) entry.erase(0, 1);
  if (entry.starts_with('.')) entry.erase(0, 1);
  return is_below(target.host, entry);
}

struct Variable {
  std::string name, value;
};

template <std::size_t count>
std::optional<Variable> first_set(const std::array<const char*, count>& names) {
  for (const auto* const name : names)
    if (const char* const value = std::getenv(name); value != nullptr && *value != '\0')
      return Variable{name, value};
  return {};
}

}  // namespace

std::optional<std::string> entry_without_proxy(std::string_view list, const HostPort& target) {
  constexpr std::string_view separators = ", \t";
  while (!list.empty()) {
    const auto end = std::min(list.find_first_of(separators), list.size());
    const std::string entry(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
    if (!entry.empty() && is_meant(entry, target)) return entry;
  }
  return {};
}

ProxyFromEnvironment proxy_from_environment(const HostPort& target) {
  const auto shown = Endpoint{target}.to_string();
  const auto proxy = first_set(proxy_variables);
  if (!proxy) return {{}, text("neither ALL_PROXY nor HTTPS_PROXY is set: {} without a proxy", shown)};
  if (const auto exceptions = first_set(exception_variables))
    if (const auto entry = entry_without_proxy(exceptions->value, target))
      return {{}, text("{} has '{}': {} without a proxy", exceptions->name, *entry, shown)};
  const bool has_scheme = proxy->value.find("://") != std::string::npos;
  try {
    auto parsed = Proxy::parse(has_scheme ? proxy->value : "http://" + proxy->value);
    auto reason = text("{}: {} by the proxy {}", proxy->name, shown, parsed.to_string());
    return {std::move(parsed), std::move(reason)};
  } catch (const BadInput& error) {
    throw BadInput(text("{}: {}", proxy->name, error.what()));
  }
}

void forget_proxy_credentials() {
  for (const auto* const name : proxy_variables)
    if (const char* const value = std::getenv(name); value != nullptr && credentials_in(value).second > 0)
      forget_variable(name);
}

}  // namespace sockx

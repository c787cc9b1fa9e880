// What the environment says about proxies: ALL_PROXY, HTTPS_PROXY, NO_PROXY.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/address/endpoint.hpp"
#include "net/proxy/proxy.hpp"

namespace sockx {

/// Whether a target is to be reached without a proxy: the entry of the list that says so. Entries are
/// separated by commas or blanks. An entry is `*`, a name that stands for itself and everything below it,
/// with or without a dot in front, an address, or a network like 192.0.2.0/24; `:PORT` behind a name or an
/// address limits it to that port. What is none of these matches nothing.
std::optional<std::string> entry_without_proxy(std::string_view list, const HostPort& target);

struct ProxyFromEnvironment {
  std::optional<Proxy> proxy;  // none: the target is connected to directly
  std::string reason;          // in words: which variable says so
};

/// ALL_PROXY or else HTTPS_PROXY, unless NO_PROXY has the target; of each the one in lower case first, and an
/// empty one is none. A proxy without a scheme is one of http. Throws BadInput that names the variable, and
/// quotes it without its credentials.
ProxyFromEnvironment proxy_from_environment(const HostPort& target);

/// Takes those of the variables out of the environment that have credentials.
void forget_proxy_credentials();

}  // namespace sockx

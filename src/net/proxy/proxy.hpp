// Proxy: a proxy that a client asks for connections, as a URL names it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "net/address/endpoint.hpp"
#include "net/proxy/credentials.hpp"

namespace sockx {

struct Proxy {
  enum class Kind { socks4, socks4a, socks5, socks5h, http, https };

  Kind kind = Kind::socks5h;
  std::string host;
  std::uint16_t port = 0;
  std::optional<Credentials> credentials;  // of SOCKS4 the user alone, with an empty password

  /// SCHEME://[USER:PASSWORD@]HOST[:PORT], with the scheme that names the kind, and credentials in which
  /// bytes may be %HH. Throws BadInput that quotes the URL without its credentials.
  static Proxy parse(const std::string& url);

  /// "socks5h://127.0.0.1:1080", without the credentials.
  std::string to_string() const;
  /// "127.0.0.1:1080", "[::1]:1080"
  std::string address() const;
  Endpoint endpoint() const { return {HostPort{host, port}}; }
  bool is_socks4() const { return kind == Kind::socks4 || kind == Kind::socks4a; }
  /// Whether it is given addresses only: names are looked up on this machine.
  bool takes_addresses_only() const { return kind == Kind::socks4 || kind == Kind::socks5; }
};

/// "socks5h", the scheme of the kind.
std::string_view name_of(Proxy::Kind kind);

/// Where the credentials of a URL are, or of what may have been meant as one: offset and size, which is 0
/// where there are none.
std::pair<std::size_t, std::size_t> credentials_in(std::string_view url);
/// The URL without them.
std::string without_credentials(std::string_view url);

/// Throws BadInput for a target that this proxy cannot be asked for: a name that is too long or has bytes
/// that no name has, an address with a scope, an IPv6 address for SOCKS4.
void check_target(const Proxy& proxy, const HostPort& target);

}  // namespace sockx

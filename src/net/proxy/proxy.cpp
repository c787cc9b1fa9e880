#include "net/proxy/proxy.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/named_numbers.hpp"
#include "base/text.hpp"
#include "base/words.hpp"
#include "net/address/numeric_address.hpp"
#include "net/proxy/socks.hpp"

namespace sockx {

namespace {

struct ProxyKindRow {
  Proxy::Kind kind;
  std::string_view scheme;
  std::uint16_t port;
};
constexpr std::array proxy_kinds{
    ProxyKindRow{Proxy::Kind::socks4, "socks4", 1080}, ProxyKindRow{Proxy::Kind::socks4a, "socks4a", 1080},
    ProxyKindRow{Proxy::Kind::socks5, "socks5", 1080}, ProxyKindRow{Proxy::Kind::socks5h, "socks5h", 1080},
    ProxyKindRow{Proxy::Kind::http, "http", 3128},     ProxyKindRow{Proxy::Kind::https, "https", 443}};

constexpr std::string_view after_scheme = "://";
constexpr std::size_t most_of_name = 60;  // bytes of a name

/// Throws BadInput that quotes nothing.
std::string percent_decoded(std::string_view word) {
  std::string decoded;
  while (!word.empty()) {
    auto taken = word.substr(0, 1);
    if (taken.front() == '%') {
      taken = word.substr(0, 3);
      const auto byte = taken.size() == 3 ? parse_hexadecimal(taken.substr(1)) : std::nullopt;
      if (!byte)
        throw BadInput("in its credentials % is followed by two hexadecimal digits, and stands for %25");
      decoded += *byte;
    } else {
      decoded += taken;
    }
    word.remove_prefix(taken.size());
  }
  return decoded;
}

Credentials parse_url_credentials(std::string_view words, bool is_socks4) {
  const auto colon = words.find(':');
  Credentials credentials{percent_decoded(words.substr(0, colon)), ""};
  if (is_socks4 && colon == words.npos) {
    check_user(credentials.user);
    return credentials;
  }
  if (is_socks4) throw BadInput("SOCKS4 has no passwords: say USER@HOST");
  if (colon == words.npos) throw BadInput("credentials are USER:PASSWORD@");
  credentials.password = percent_decoded(words.substr(colon + 1));
  check(credentials);
  return credentials;
}

/// Of a name that would mean something else in a message to a proxy, or is no name.
bool is_forbidden(char letter) {
  const auto byte = static_cast<unsigned char>(letter);
  return byte <= ' ' || byte == 0x7f ||
         std::string_view("/?#@:[]%\\\"").find(letter) != std::string_view::npos;
}

}  // namespace

std::string_view name_of(Proxy::Kind kind) {
  return std::ranges::find(proxy_kinds, kind, &ProxyKindRow::kind)->scheme;
}

std::pair<std::size_t, std::size_t> credentials_in(std::string_view url) {
  const auto end = url.rfind('@');
  if (end == url.npos) return {0, 0};
  const auto scheme = url.find(after_scheme);
  const auto begin = scheme == url.npos || scheme > end ? 0 : scheme + after_scheme.size();
  return {begin, end - begin};
}

std::string without_credentials(std::string_view url) {
  const auto [begin, size] = credentials_in(url);
  std::string shown(url);
  if (url.find('@') != url.npos) shown.erase(begin, size + 1);
  return shown;
}

Proxy Proxy::parse(const std::string& url) {
  const auto fail = [&url](const std::string& reason) -> BadInput {
    return BadInput(text("'{}': {}", without_credentials(url), reason));
  };
  const auto scheme = upper_case(std::string_view(url).substr(0, url.find(after_scheme)));
  const auto row = std::ranges::find_if(
      proxy_kinds, [&scheme](const ProxyKindRow& any) { return upper_case(any.scheme) == scheme; });
  const bool has_scheme = url.find(after_scheme) != std::string::npos;
  if (row != proxy_kinds.end() && !has_scheme) throw fail(text("say {}://HOST:PORT", row->scheme));
  if (row == proxy_kinds.end()) {
    throw fail(has_scheme ? text("there are the proxies {}",
                                 joined(proxy_kinds, ", ", " and ", &ProxyKindRow::scheme))
                          : text("say the kind of proxy too, {}://{}",
                                 joined(proxy_kinds, ", ", " or ", &ProxyKindRow::scheme), "HOST:PORT"));
  }
  Proxy proxy;
  proxy.kind = row->kind;
  auto rest = std::string_view(url).substr(row->scheme.size() + after_scheme.size());
  if (const auto end = rest.rfind('@'); end != rest.npos) {
    try {
      proxy.credentials = parse_url_credentials(rest.substr(0, end), proxy.is_socks4());
    } catch (const BadInput& error) {
      throw fail(error.what());
    }
    rest.remove_prefix(end + 1);
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find_first_of("/?#") != rest.npos) throw fail("the URL of a proxy ends after HOST:PORT");
  const bool has_port = rest.starts_with('[') ? !rest.ends_with(']') : rest.find(':') != rest.npos;
  try {
    std::vector<std::string> words{std::string(rest)};
    if (!has_port) words.push_back(std::to_string(row->port));
    const auto endpoint = Endpoint::parse(words, Endpoint::Role::connecting);
    const auto* const where = std::get_if<HostPort>(&endpoint.where);
    if (where == nullptr) throw BadInput("a proxy is a host and a port");
    proxy.host = where->host;
    proxy.port = where->port;
  } catch (const BadInput& error) {
    throw fail(error.what());
  }
  return proxy;
}

std::string Proxy::address() const { return endpoint().to_string(); }

std::string Proxy::to_string() const { return text("{}://{}", name_of(kind), address()); }

void check_target(const Proxy& proxy, const HostPort& target) {
  const auto& host = target.host;
  const auto quoted =
      text("'{}{}'", escaped(host.substr(0, most_of_name)), host.size() > most_of_name ? "..." : "");
  if (host.find(':') != std::string::npos && host.find('%') != std::string::npos)
    throw BadInput(text("{}: an address with a scope means nothing to a proxy: leave the scope out", quoted));
  if (const auto address = numeric_address(host)) {
    if (proxy.is_socks4() && address->family() == AF_INET6)
      throw BadInput(text("{}: SOCKS4 has no IPv6 addresses: use a proxy of another kind than {}", quoted,
                          name_of(proxy.kind)));
    return;
  }
  if (host.empty() || host.size() > socks::longest_name)
    throw BadInput(text("{}: the name of a host has 1 to {} bytes for a proxy, and this has {}", quoted,
                        socks::longest_name, host.size()));
  if (std::ranges::any_of(host, is_forbidden))
    throw BadInput(text("{}: a host cannot have such a name, so no proxy is asked for it", quoted));
}

}  // namespace sockx

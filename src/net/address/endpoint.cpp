#include "net/address/endpoint.hpp"

#include <arpa/inet.h>
#include <linux/vm_sockets.h>
#include <netdb.h>

#include <algorithm>
#include <mutex>
#include <optional>

#include "base/error.hpp"
#include "base/nearest.hpp"
#include "base/text.hpp"
#include "base/words.hpp"
#include "net/address/foreign_endpoint.hpp"
#include "net/address/lookups.hpp"

namespace sockx {

namespace {

constexpr std::string_view every_address = "*";

bool is_ipv6(const std::string& host) {
  in6_addr address;
  return inet_pton(AF_INET6, host.substr(0, host.find('%')).c_str(), &address) == 1;
}

/// getservent(3) has one place in the file for the whole program, and ports are read on several threads.
std::vector<std::string> service_names() {
  static std::mutex only_one;
  const std::lock_guard lock(only_one);
  std::vector<std::string> names;
  setservent(1);
  while (const servent* const entry = getservent()) names.emplace_back(entry->s_name);
  endservent();
  return names;
}

/// How words are to be read.
struct Reading {
  Endpoint::Role role;
  std::string_view protocol;
  bool listens() const { return role == Endpoint::Role::listening; }
};

/// Throws BadInput for what has a slash: a URL, a path, an address with the length of a prefix. `port` is the
/// second word, where there is one.
void refuse_slash(const std::string& word, const std::string& port) {
  if (word.find('/') == std::string::npos) return;
  if (word.starts_with('/') || word.starts_with("./") || word.starts_with("../"))
    throw BadInput(text("'{0}': a path is written unix:PATH: say unix:{0}", word));
  const auto scheme = word.find("://");
  auto rest = scheme == std::string::npos ? word : word.substr(scheme + 3);
  rest = rest.substr(0, rest.find_first_of("/?#"));
  if (const auto at = rest.find('@'); at != std::string::npos) rest = rest.substr(at + 1);
  const auto colons = std::count(rest.begin(), rest.end(), ':');
  const bool is_bare_ipv6 = !rest.starts_with('[') && colons > 1;
  const bool has_port = rest.starts_with('[') ? rest.find("]:") != std::string::npos : colons == 1;
  const auto last_colon = word.rfind(':');
  if (!has_port && !port.empty()) {
    rest += ' ' + port;
  } else if (!has_port) {
    if (is_bare_ipv6) rest = '[' + rest + ']';
    const bool is_behind_slash = scheme == std::string::npos && last_colon != std::string::npos &&
                                 last_colon > word.find('/') && last_colon + 1 < word.size();
    if (is_behind_slash)  // ADDRESS/PREFIX:PORT
      rest += word.substr(last_colon);
    else
      rest += ':' + (scheme == std::string::npos ? "PORT" : word.substr(0, scheme));
  }
  throw BadInput(text("'{}': an endpoint is a host and a port, without {}: say {}", word,
                      scheme == std::string::npos ? "a slash" : "the rest of a URL", rest));
}

/// Throws BadInput for an endpoint as another tool writes it. "tcp:80" may also be port 80 of the host "tcp",
/// which nobody listens on.
void refuse_foreign(const std::string& word, Reading reading) {
  const auto rest = word.substr(std::min(word.find(':') + 1, word.size()));
  const bool is_end_of_relay =  // "tls:80" may be a host
      word.starts_with("tls:") && !rest.empty() && (reading.listens() || rest.find(':') != std::string::npos);
  if (word.starts_with("OPENSSL:") || word.starts_with("SSL:") || is_end_of_relay)
    throw advise(BadInput(text("'{}': the endpoint is {}", word, rest)), "tls");
  const auto foreign = ForeignEndpoint::read(word);
  if (!foreign) return;
  if (foreign->is_unix)
    throw BadInput(text("'{}': a Unix socket is written unix:PATH: say {}", word, foreign->word));
  const auto type = word.substr(0, word.find(':'));
  const bool may_be_host = type.find('-') == std::string::npos && !reading.listens() &&
                           foreign->word.find(':') == std::string::npos;
  if (may_be_host) return;
  if (foreign->is_datagram && reading.protocol == "tcp")
    throw advise(BadInput(text("'{}': that is UDP", word)),
                 text("{} {}", reading.listens() ? "udp-listen" : "udp", foreign->word));
  throw BadInput(text("'{}': an endpoint is one host and one port: say {}", word, foreign->word));
}

/// HOST:PORT of HOST:PORT:PORT, or nothing.
std::string without_surplus(const std::string& word) {
  const auto last = word.rfind(':'), first = word.find(':');
  const bool has_two = first != last && word.find(':', first + 1) == last;
  const bool are_ports =
      is_all_digits(word.substr(last + 1)) && is_all_digits(word.substr(first + 1, last - first - 1));
  return has_two && first > 0 && are_ports ? word.substr(0, last) : "";
}

/// Whether a word in the place of a port is a host: an IPv4 address, a name with a domain, localhost, or `*`.
bool is_host(const std::string& word) {
  in_addr address;
  return inet_pton(AF_INET, word.c_str(), &address) == 1 || word.find('.') != std::string::npos ||
         word == "localhost" || word == every_address;
}

HostPort host_and_port(const std::string& host, const std::string& port, Reading reading,
                       const std::string& typed) {
  if (host.empty())
    throw BadInput(text("'{}': the host is empty: say HOST:PORT{}", typed,
                        reading.listens() ? ", or PORT alone for every address" : ""));
  if (port.empty()) throw BadInput(text("'{}': the port is empty: say HOST:PORT", typed));
  if (host == every_address && !reading.listens())
    throw BadInput(text("'{}': * is every address, for listening: say the host to connect to", typed));
  if (host.find_first_of(":[]") != std::string::npos && !is_ipv6(host))
    throw BadInput(
        text("'{}': '{}' is neither a name nor an address; say HOST PORT or HOST:PORT", typed, host));
  HostPort parsed{host == every_address ? "" : host, parse_port(port, reading.protocol)};
  if (parsed.port == 0 && !reading.listens())
    throw BadInput(text("'{}': port 0 can be listened on, but not connected to: say 1 to 65535", typed));
  return parsed;
}

HostPort parse_bracketed(const std::string& word, Reading reading) {
  const auto close = word.rfind(']');
  const std::string host = close == std::string::npos ? "" : word.substr(1, close - 1);
  if (host.empty() || word.size() < close + 3 || word[close + 1] != ':')
    throw BadInput(text("'{}': an address in brackets is written [ADDRESS]:PORT, like [::1]:80", word));
  if (!is_ipv6(host)) throw BadInput(text("'{}': '{}' is no IPv6 address, like [::1]:80", word, host));
  return host_and_port(host, word.substr(close + 2), reading, word);
}

HostPort parse_one_word(const std::string& word, Reading reading) {
  if (word.starts_with('[')) return parse_bracketed(word, reading);
  refuse_foreign(word, reading);
  refuse_slash(word, "");
  const auto colon = word.rfind(':');
  if (word.empty()) throw BadInput("'': an empty word; say HOST PORT or HOST:PORT");
  if (colon == std::string::npos) {
    if (reading.listens() && !is_host(word)) return {"", parse_port(word, reading.protocol)};
    if (is_all_digits(word))
      throw BadInput(text("'{0}': the host is missing: say HOST:{0} or HOST {0}", word));
    throw BadInput(text("'{0}': the port is missing: say {0}:PORT or {0} PORT", word));
  }
  const auto host = word.substr(0, colon);
  if (host.find(':') != std::string::npos) {
    const auto shorter = is_ipv6(host) || is_ipv6(word) ? "" : without_surplus(word);
    if (!shorter.empty())
      throw BadInput(text("'{}': an endpoint is one host and one port: say {}", word, shorter));
    const auto right =
        is_ipv6(host) ? text("[{}]:{}", host, word.substr(colon + 1)) : text("[{}]:PORT", word);
    throw BadInput(text("'{}': an IPv6 address before a port is written in brackets: {}", word,
                        is_ipv6(host) || is_ipv6(word) ? right : "[V6]:PORT"));
  }
  return host_and_port(host, word.substr(colon + 1), reading, word);
}

Address parse_vsock(const std::string& word) {
  const auto rest = word.substr(6);
  const auto colon = rest.find(':');
  const auto cid_word = rest.substr(0, colon);
  const auto cid = cid_word == "any" ? VMADDR_CID_ANY : number_in<std::uint32_t>(cid_word);
  const auto port =
      colon == std::string::npos ? std::nullopt : number_in<std::uint32_t>(rest.substr(colon + 1));
  if (!cid || !port)
    throw BadInput(text("'{}': a vsock endpoint is vsock:CID:PORT, like vsock:2:1234", word));
  return Address::vsock(*cid, *port);
}

InheritedFd parse_inherited(const std::string& word) {
  const auto fd = number_in<int>(word.substr(3));
  if (!fd || *fd < 0)
    throw BadInput(
        text("'{}': an inherited socket is fd:N, like fd:3, one that is passed is fd:unix:PATH", word));
  return {*fd};
}

}  // namespace

Endpoint Endpoint::parse(const std::vector<std::string>& words, Role role, std::string_view protocol) {
  const Reading reading{role, protocol};
  if (words.empty() || words.size() > 2)
    throw BadInput(text("'{}': one word too many; an endpoint is HOST PORT, HOST:PORT or unix:PATH",
                        words.empty() ? "" : words.back()));
  const auto& first = words.front();
  const bool special = first.starts_with("unix:") || first.starts_with("vsock:") || first.starts_with("fd:");
  if (words.size() == 2) {
    if (special) throw BadInput(text("'{} {}': {} takes no further word", first, words[1], first));
    refuse_slash(first, words[1]);
    const bool bracketed = first.size() > 2 && first.starts_with('[') && first.ends_with(']');
    const auto host = bracketed ? first.substr(1, first.size() - 2) : first;
    return {host_and_port(host, words[1], reading, first + ' ' + words[1])};
  }
  if (first.starts_with("unix:")) {
    if (first.size() == 5 || first == "unix:@")
      throw BadInput(text("'{}': say unix:/PATH or unix:@NAME", first));
    return {Address::unix_name(unescaped(first.substr(5)), first)};
  }
  if (first.starts_with("fd:unix:")) {
    const auto endpoint = parse({first.substr(3)}, role);
    return {PassedFd{std::get<Address>(endpoint.where)}};
  }
  if (first.starts_with("vsock:")) return {parse_vsock(first)};
  if (first.starts_with("fd:")) return {parse_inherited(first)};
  return {parse_one_word(first, reading)};
}

bool Endpoint::is_adopted() const {
  return std::holds_alternative<InheritedFd>(where) || std::holds_alternative<PassedFd>(where);
}

bool Endpoint::has_port() const {
  const auto* const address = std::get_if<Address>(&where);
  return address != nullptr ? address->family() != AF_UNIX : std::holds_alternative<HostPort>(where);
}

std::string Endpoint::to_string() const {
  if (const auto* address = std::get_if<Address>(&where)) return address->to_string();
  if (const auto* inherited = std::get_if<InheritedFd>(&where)) return text("fd:{}", inherited->fd);
  if (const auto* passed = std::get_if<PassedFd>(&where)) return "fd:" + passed->at.to_string();
  const auto& [host, port] = std::get<HostPort>(where);
  if (host.empty()) return text("port {}", port);
  return is_ipv6(host) ? text("[{}]:{}", host, port) : text("{}:{}", host, port);
}

std::uint16_t parse_port(const std::string& word, std::string_view protocol) {
  if (is_all_digits(word)) {
    const auto number = number_in<std::uint16_t>(word);
    if (!number) throw BadInput(text("'{}': a port is a number from 0 to 65535 or a service name", word));
    return *number;
  }
  if (const auto service = get_service_by_name(word, std::string(protocol))) return service->port;
  if (is_all_digits(word.substr(0, 1)) && word.find_first_not_of("0123456789,-") == std::string::npos)
    throw advise(BadInput(text("'{}': a port is one number; only a scan takes several", word)), "scan");
  const auto similar = nearest(word, service_names());
  throw BadInput(text("'{}': no such service for {}{}; a port is a number from 0 to 65535 or a service name",
                      word, protocol == "tcp" ? "TCP" : "UDP",
                      similar.empty() ? "" : text(" (did you mean {}?)", similar)));
}

}  // namespace sockx

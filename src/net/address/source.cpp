#include "net/address/source.hpp"

#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/address/endpoint.hpp"
#include "net/address/lookups.hpp"

namespace sockx {

namespace {

[[noreturn]] void refuse(const std::string& word) {
  throw BadInput(
      text("'{}': a source is ADDRESS, :PORT or ADDRESS:PORT, like 192.0.2.7, :5000 or [::1]:5000", word));
}

std::optional<Address> address_of(const std::string& host) {
  if (host.find_first_of(".:") == std::string::npos)
    return {};  // getaddrinfo(3) would take "8080" for 0.0.31.144
  const auto answer = get_address_info({host, std::nullopt, AF_UNSPEC, SOCK_STREAM, 0, AI_NUMERICHOST});
  return answer.status ? std::optional(answer.tuples.front().address) : std::nullopt;
}

std::uint16_t parse_source_port(const std::string& port, const std::string& word, std::string_view protocol) {
  if (port.empty()) refuse(word);
  return parse_port(port, protocol);
}

}  // namespace

Source Source::parse(const std::string& word, std::string_view protocol) {
  if (word.starts_with("unix:"))
    return {word, std::get<Address>(Endpoint::parse({word}, Endpoint::Role::connecting).where), 0};
  auto host = word, port = std::string();
  const bool is_bracketed = word.starts_with('[');
  const auto colon = is_bracketed ? word.find("]:") : word.rfind(':');
  const bool has_port =
      is_bracketed ? colon != std::string::npos : std::count(word.begin(), word.end(), ':') == 1;
  if (has_port) {
    host = word.substr(0, colon);
    port = word.substr(colon + (is_bracketed ? 2 : 1));
  }
  if (is_bracketed) host = host.substr(1, host.ends_with(']') ? host.size() - 2 : std::string::npos);
  if (is_bracketed && !has_port && !word.ends_with(']')) refuse(word);
  const std::uint16_t number = has_port ? parse_source_port(port, word, protocol) : 0;
  if (host.empty() && has_port && !is_bracketed) return {word, {}, number};
  const auto address = address_of(host);
  if (!address) refuse(word);
  return {word, address, number};
}

std::optional<Address> Source::in_family(int family) const {
  if (!address) return is_internet(family) ? std::optional(Address::any(family, port)) : std::nullopt;
  if (address->family() != family) return {};
  return address->with_port(port);
}

void Source::leave_family(std::vector<Address>& addresses, const std::string& peer) const {
  std::erase_if(addresses, [this](const Address& one) { return !in_family(one.family()); });
  if (addresses.empty())
    throw BadInput("source", text("'{}': '{}' has no address of that family", word, peer));
}

Address Source::to_listen_on(const Endpoint& endpoint, int family) const {
  const auto* const where = std::get_if<HostPort>(&endpoint.where);
  if (where == nullptr || !where->host.empty())
    throw BadInput("source", text("'{}': where to listen is said already: '{}'; say only one of them", word,
                                  endpoint.to_string()));
  if (port != 0 || !address || address->family() == AF_UNIX)
    throw about("source", advise(BadInput(text("'{}': a listener's source is an address alone", word)),
                                 text("source ADDRESS {}", where->port)));
  if (family != AF_UNSPEC && family != address->family())
    throw BadInput("source", text("'{}' is not of the family that was asked for", word));
  return address->with_port(where->port);
}

}  // namespace sockx

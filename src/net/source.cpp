#include "net/source.hpp"

#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>

#include "net/endpoint.hpp"
#include "os/error.hpp"
#include "os/text.hpp"

namespace sockx {

namespace {

[[noreturn]] void refuse(const std::string& word) {
  throw BadInput(
      text("'{}': a source is ADDRESS, :PORT or ADDRESS:PORT, like 192.0.2.7, :5000 or [::1]:5000", word));
}

std::optional<Address> numeric_address(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST;
  addrinfo* list = nullptr;
  if (host.find_first_of(".:") == std::string::npos) return {};  // a bare number is hardly meant as one
  if (getaddrinfo(host.c_str(), nullptr, &hints, &list) != 0) return {};
  const Address address(list->ai_addr, list->ai_addrlen);
  freeaddrinfo(list);
  return address;
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
  const auto address = numeric_address(host);
  if (!address) refuse(word);
  return {word, address, number};
}

std::optional<Address> Source::in_family(int family) const {
  if (!address)
    return family == AF_INET || family == AF_INET6 ? std::optional(Address::any(family, port)) : std::nullopt;
  if (address->family() != family) return {};
  return address->with_port(port);
}

}  // namespace sockx

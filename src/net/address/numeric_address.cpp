#include "net/address/numeric_address.hpp"

#include <arpa/inet.h>
#include <netdb.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/address/endpoint.hpp"
#include "net/address/lookups.hpp"

namespace sockx {

std::optional<Address> numeric_address(const std::string& word, std::uint16_t port) {
  in_addr v4;
  const bool may_be_v6 = word.find(':') != std::string::npos;
  if (!may_be_v6 && inet_pton(AF_INET, word.c_str(), &v4) != 1) return {};
  const auto answer = get_address_info(
      {word, std::to_string(port), AF_UNSPEC, SOCK_STREAM, 0, AI_NUMERICHOST | AI_NUMERICSERV});
  if (!answer.status) return {};
  return answer.tuples.front().address;
}

AddressAndPort parse_address(const std::string& word, std::string_view protocol) {
  if (const auto bare = numeric_address(word)) return {*bare};
  const auto colon = word.rfind(':');
  if (colon != std::string::npos) {
    auto host = word.substr(0, colon);
    const bool is_v6 = host.find(':') != std::string::npos;
    const bool has_brackets = host.starts_with('[') && host.ends_with(']');
    if (is_v6 && has_brackets) host = host.substr(1, host.size() - 2);
    const bool has_port = colon + 1 < word.size();
    if (is_v6 == has_brackets && has_port && numeric_address(host))
      return {*numeric_address(host, parse_port(word.substr(colon + 1), protocol)), true};
  }
  throw BadInput(
      text("'{}': an address is like 192.0.2.7, 192.0.2.7:80, 2001:db8::1 or [2001:db8::1]:80", word));
}

}  // namespace sockx

#include "net/address/foreign_endpoint.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/words.hpp"

namespace sockx {

namespace {

struct AddressType {
  std::string_view names;  // in capitals
  bool is_datagram, listens;
  std::string_view prefix;
};
constexpr std::array address_types{
    AddressType{"TCP-LISTEN TCP-L TCP4-LISTEN TCP4-L TCP6-LISTEN TCP6-L", false, true, ""},
    AddressType{"TCP TCP4 TCP6 TCP-CONNECT TCP4-CONNECT TCP6-CONNECT", false, false, ""},
    AddressType{"UDP-LISTEN UDP-L UDP4-LISTEN UDP4-L UDP6-LISTEN UDP6-L UDP-RECV UDP-RECVFROM", true, true,
                ""},
    AddressType{"UDP UDP4 UDP6 UDP-CONNECT UDP-SENDTO UDP-DATAGRAM", true, false, ""},
    AddressType{"UNIX-LISTEN UNIX-L", false, true, "unix:"},
    AddressType{"UNIX UNIX-CONNECT UNIX-CLIENT", false, false, "unix:"},
    AddressType{"ABSTRACT-LISTEN", false, true, "unix:@"},
    AddressType{"ABSTRACT ABSTRACT-CONNECT ABSTRACT-CLIENT", false, false, "unix:@"},
};

}  // namespace

std::optional<ForeignEndpoint> ForeignEndpoint::read(const std::string& word) {
  const auto colon = word.find(':');
  if (colon == std::string::npos || word.starts_with("unix:")) return {};
  auto name = word.substr(0, colon);
  for (auto& letter : name)
    if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
  const auto comma = std::min(word.find(',', colon), word.size());
  const auto rest = word.substr(colon + 1, comma - colon - 1);
  for (const auto& type : address_types)
    if (!rest.empty() && !rest.starts_with("//") && is_among(name, type.names))
      return ForeignEndpoint{std::string(type.prefix) + rest, !type.prefix.empty(), type.is_datagram,
                             type.listens, word.find(",fork", comma) != std::string::npos};
  return {};
}

}  // namespace sockx

// Addresses: what the kernel may return is shown in a notation that an endpoint is read from, as the same.
#include "net/address/address.hpp"

#include <arpa/inet.h>
#include <sys/un.h>

#include <cstring>

#include "net/address/endpoint.hpp"
#include "support.hpp"

using namespace sockx;

namespace {

void check_host_and_port(const Address& address, const Endpoint& endpoint) {
  const auto& [host, port] = std::get<HostPort>(endpoint.where);
  assert(host == address.host() && port == address.port());
  const bool is_v4 = host.find(':') == std::string::npos;
  in6_addr bytes;
  assert(inet_pton(is_v4 ? AF_INET : AF_INET6, host.substr(0, host.find('%')).c_str(), &bytes) == 1);
  assert(address.with_port(7).port() == 7 && address.with_port(7).host() == host);
}

}  // namespace

/// The first byte chooses the family; a struct sockaddr, of which the rest may be missing, follows.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  constexpr sa_family_t families[]{AF_INET, AF_INET6, AF_UNIX, AF_VSOCK};
  sockaddr_storage storage{};
  storage.ss_family = families[*data % 4];
  const auto rest = std::min(size - 1, sizeof(sockaddr_un) - sizeof storage.ss_family);
  std::memcpy(reinterpret_cast<char*>(&storage) + sizeof storage.ss_family, data + 1, rest);
  const Address address(reinterpret_cast<const sockaddr*>(&storage),
                        static_cast<socklen_t>(sizeof storage.ss_family + rest));
  const auto shown = address.to_string();
  assert(!address.is_loopback() || address.family() != AF_UNIX);
  if (shown == "unix:(unnamed)" || shown == "unix:@") return 0;  // nobody can connect to these
  const auto endpoint =
      fuzz::accepted(shown, [&] { return Endpoint::parse({shown}, Endpoint::Role::listening); });
  if (!endpoint) {
    assert(address.family() == AF_UNIX && address.path().size() >= sizeof(sockaddr_un::sun_path));
    return 0;
  }
  if (address.family() == AF_INET || address.family() == AF_INET6) {
    check_host_and_port(address, *endpoint);
    return 0;
  }
  const auto& read = std::get<Address>(endpoint->where);
  assert(read.family() == address.family() && read.to_string() == shown);
  assert(read.path() == address.path() && read.port() == address.port());
  const auto is_abstract = [](const Address& any) { return any.data()->sa_data[0] == '\0'; };
  assert(address.family() != AF_UNIX || is_abstract(read) == is_abstract(address));
  return 0;
}

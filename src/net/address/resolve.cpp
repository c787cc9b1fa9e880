#include "net/address/resolve.hpp"

#include <netdb.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/address/look_up.hpp"
#include "net/address/names.hpp"
#include "os/observer.hpp"

namespace sockx {

namespace {

AddressQuery query_of(const HostPort& where, const ResolveOptions& options, int flags) {
  return {where.host, std::to_string(where.port), options.family, options.type, 0, flags | AI_NUMERICSERV};
}

std::vector<Address> wildcard_addresses(int family, std::uint16_t port) {
  std::vector<Address> addresses;
  if (family != AF_INET) addresses.push_back(Address::any(AF_INET6, port));
  if (family != AF_INET6) addresses.push_back(Address::any(AF_INET, port));
  return addresses;
}

}  // namespace

Task<std::vector<Address>> resolve(HostPort where, ResolveOptions options, Deadline deadline) {
  if (where.host.empty()) co_return wildcard_addresses(options.family, where.port);
  auto answer = get_address_info(query_of(where, options, AI_NUMERICHOST));
  const bool is_name = answer.status.code == EAI_NONAME;
  if (is_name && !options.numeric) {
    ThreadLimit::Slot slot;  // of the thread, which may go on after the deadline
    if (options.threads != nullptr) {
      slot = co_await options.threads->enter();
    }
    std::function<AddressAnswer()> work = [query = query_of(where, options, 0), slot = std::move(slot)] {
      return get_address_info(query);
    };
    auto asked = "getaddrinfo " + where.host;
    answer = co_await look_up(std::move(work), std::move(asked), deadline);
  }
  if (calls_are_observed())
    tell_observer("getaddrinfo",
                  text("{}, {}, {}, {}", where.host, where.port, address_families.name_of(options.family),
                       socket_types.name_of(options.type)),
                  answer.summary());
  answer.status.check("getaddrinfo " + where.host);
  std::vector<Address> addresses;
  for (const auto& tuple : answer.tuples) addresses.push_back(tuple.address);
  co_return std::move(addresses);
}

}  // namespace sockx

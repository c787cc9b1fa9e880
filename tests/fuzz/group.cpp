// Multicast groups and rates, as users type them.
#include "datagram/datagram_rate.hpp"
#include "net/datagram/datagram_socket.hpp"
#include "support.hpp"

using namespace sockx;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto word = fuzz::word_of(data, size);
  if (const auto group = fuzz::accepted(word, [&] { return Group::parse(word); })) {
    assert(group->address.is_multicast());
    const auto shown = group->address.ntop() + (group->interface.empty() ? "" : "%" + group->interface);
    const auto again = Group::parse(shown);
    assert(again.address.ntop() == group->address.ntop() && again.interface == group->interface);
  }
  if (const auto rate = fuzz::accepted(word, [&] { return parse_datagram_rate(word); })) {
    assert(rate->is_set());
    assert(rate->datagrams == 0 || rate->bytes == 0);
  }
  return 0;
}

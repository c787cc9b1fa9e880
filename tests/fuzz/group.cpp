// Multicast groups and paces, as users type them.
#include "datagram/pace.hpp"
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
  if (const auto pace = fuzz::accepted(word, [&] { return parse_pace(word); })) {
    assert(pace->is_set());
    assert(pace->datagrams == 0 || pace->bytes == 0);
  }
  return 0;
}

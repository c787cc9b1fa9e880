// Port lists: each port once and in order, the ports of a plain reader, and shown as a list that means the
// same.
#include "net/address/port_list.hpp"

#include <algorithm>
#include <bitset>
#include <cstdlib>

#include "support.hpp"

using namespace sockx;

namespace {

/// What a list of numbers and ranges means, read in another way.
std::bitset<65536> reference(const std::string& list) {
  std::bitset<65536> ports;
  for (const char* at = list.c_str(); *at != '\0';) {
    char* end = nullptr;
    const auto first = std::strtoul(at, &end, 10);
    const auto last = *end == '-' ? std::strtoul(end + 1, &end, 10) : first;
    for (auto port = first; port <= last; ++port) ports.set(port);
    at = *end == ',' ? end + 1 : end;
  }
  return ports;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto list = fuzz::word_of(data, size);
  const auto ports = fuzz::accepted(list, [&] { return parse_port_list(list); });
  if (!ports) return 0;
  assert(!ports->empty() && ports->front() > 0);
  assert(std::is_sorted(ports->begin(), ports->end(), std::less_equal()));  // none twice either
  auto shown = show_port_list(*ports);
  std::erase(shown, ' ');
  assert(parse_port_list(shown) == *ports);
  if (list.find_first_not_of("0123456789,-") != std::string::npos) return 0;
  const auto wanted = reference(list);
  assert(wanted.count() == ports->size());
  for (const auto port : *ports) assert(wanted.test(port));
  return 0;
}

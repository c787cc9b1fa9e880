// A list of ports, as users type it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sockx {

/// "22,80,8000-8100,http": numbers from 1 to 65535, ranges and service names of services(5). Each port once,
/// in numeric order. Throws BadInput, which quotes the piece.
std::vector<std::uint16_t> parse_port_list(const std::string& list);

/// The same backwards, with ranges made of what follows each other: "22, 80, 8000-8100".
std::string show_port_list(const std::vector<std::uint16_t>& ports);

}  // namespace sockx

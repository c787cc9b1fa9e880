// Patterns of file names, for servers that write a file for each connection: "in/%h-%n".
#pragma once

#include <cstdint>
#include <string>

#include "net/address/address.hpp"

namespace sockx {

/// The path for a connection: %n its number, %h its peer, %t the time, %% a percent sign. The name of a peer
/// adds no slash, and different names give different paths.
std::string expand_name_pattern(const std::string& pattern, std::uint64_t number, const Address& peer);

/// Whether it has a % that stands for something, so that paths differ.
bool has_placeholder(const std::string& pattern);

/// Throws BadInput for another letter than those. `option` is what the message begins with.
void check_name_pattern(const std::string& option, const std::string& pattern);

}  // namespace sockx

// The codecs of options whose values are network interfaces, addresses and multicast groups.
#pragma once

#include "net/option/option_bytes.hpp"

namespace sockx::option_bytes {

Bytes encode_interface(const std::string& value);
OptionValue decode_interface(std::string_view bytes);
Bytes encode_network_interface(const std::string& value);
OptionValue decode_network_interface(std::string_view bytes);
Bytes encode_multicast_interface(const std::string& value);
OptionValue decode_multicast_interface(std::string_view bytes);
Bytes encode_membership(const std::string& value);
Bytes encode_membership6(const std::string& value);
Bytes encode_source_membership(const std::string& value);
Bytes encode_membership46(const std::string& value);
Bytes encode_source_membership46(const std::string& value);

}  // namespace sockx::option_bytes

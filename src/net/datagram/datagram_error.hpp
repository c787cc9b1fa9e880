// Errors that come back for a datagram: from the error queue of IP_RECVERR in ip(7), IPV6_RECVERR in ipv6(7).
#pragma once

#include <optional>
#include <string>

#include "net/address/address.hpp"
#include "os/descriptor.hpp"

namespace sockx {

struct DatagramError {
  int number = 0;                        // the errno that the kernel makes of it
  Address destination;                   // of the datagram that it is about
  std::optional<Address> reporter = {};  // who sent the ICMP message; nothing: this host
  int type = 0, code = 0;                // of the ICMP message

  /// "127.0.0.1:9 (ICMP type 3, code 3, from 127.0.0.1)".
  std::string about() const;
  /// The same with ": Connection refused" behind it.
  std::string to_string() const;
};

/// The oldest error in the queue, which leaves it; nothing when there is none. Throws Error.
std::optional<DatagramError> take_datagram_error(const Descriptor& socket);

}  // namespace sockx

// race(): connects to the first address that answers, as RFC 8305 says.
#pragma once

#include <exception>
#include <vector>

#include "net/stream/dial.hpp"

namespace sockx {

/// The result: a connection, or the failure of the first address that failed.
struct RaceResult {
  Socket winner;               // none when every address failed
  Address peer;                // its peer
  std::size_t tried = 0;       // addresses at which an attempt was begun
  Address address;             // the first that failed,
  int error = 0;               // with this errno of connect(2); ETIMEDOUT at the deadline, too,
  std::exception_ptr failure;  // or, where connect(2) was not reached, with this
};

/// Tries the addresses in their order: the next attempt starts when one fails or after attempt_delay, and the
/// first connection wins. Throws Error when descriptors or memory have run out; any other failure concerns
/// one address.
///
/// Where there is one address, and calls of the same host follow each other, `spare` spares half of what a
/// call costs: a socket that was refused at once goes there and is used for the next call, which Linux
/// allows.
Task<RaceResult> race(const std::vector<Address>& addresses, const DialOptions& options,
                      Socket* spare = nullptr);

}  // namespace sockx

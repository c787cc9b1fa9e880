// TransferStats: what a transfer came to.
#pragma once

#include <cstdint>
#include <string>

namespace sockx {

/// `bytes` and `is_finishing` are kept up to date while the transfer runs, the rest is known when it has
/// ended, however it ends.
struct TransferStats {
  std::uint64_t bytes = 0;
  bool is_finishing = false;       // all has been moved, and the peer's end is waited for
  std::uint64_t system_calls = 0;  // of the pump; of a sender also the waits of its loop
  std::string method;              // that moved the last byte
  bool fell_back = false;          // the method asked for did not work here
};

}  // namespace sockx

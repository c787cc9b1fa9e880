// TransferStats and Cost: the progress, result and costs of a transfer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "flow/clock.hpp"
#include "os/usage.hpp"

namespace sockx {

/// How long a peer may be silent before the user is warned.
constexpr Duration patience_before_warning = std::chrono::seconds(2);

/// The costs of one process, during a transfer.
struct Cost {
  Usage usage;
  std::uint64_t system_calls = 0;  // that moved bytes or waited

  std::uint64_t switches() const { return usage.voluntary_switches + usage.involuntary_switches; }
};

/// The first four are kept up to date during the transfer; the rest is set at its end, even after a failure.
struct TransferStats {
  std::uint64_t bytes = 0;
  bool is_finishing = false;                   // all has been moved, and the peer's end is waited for
  bool awaits_sender = false;                  // receiving: the sender has not ended, and nothing has failed
  Clock::time_point last_byte = Clock::now();  // when the last one came or went
  std::uint64_t system_calls = 0;              // of the pump, and the waits of its loop
  std::string method;                          // that moved the last byte
  std::string why_fell_back;                   // the method asked for did not work here; empty: it did
  std::optional<std::uint64_t> copied;         // see Method::copied()
};

}  // namespace sockx

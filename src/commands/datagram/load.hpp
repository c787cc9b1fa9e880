// The load of sockx udp: --generate on one side, --listen --measure on the other.
#pragma once

#include <cstdint>
#include <optional>

#include "cli/context.hpp"
#include "cli/flags.hpp"
#include "datagram/generator.hpp"
#include "datagram/load_meter.hpp"

namespace sockx {

struct LoadOptions {
  std::optional<std::uint64_t> size;  // of --generate
  std::optional<Duration> time;
  bool measures = false;
};

/// --generate, --seconds, --measure. To be called after the options that they exclude are declared.
void add_load_flags(Flags& flags, LoadOptions& load);

/// Sends the load, and reports how much that was and what the receiver measured. Throws BadInput for a size
/// that datagrams cannot have.
Task<> run_generator(Context& context, DatagramEnd end, GeneratorOptions options);
/// Receives loads, and reports each.
Task<> run_meter(Context& context, DatagramEnd end, MeterOptions options);

}  // namespace sockx

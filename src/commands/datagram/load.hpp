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

/// --generate, --seconds, --measure; after the options that they make no sense with.
void add_load_flags(Flags& flags, LoadOptions& load);

/// Sends the load, and tells how much it was and what the meter says of it. Throws BadInput for a size for
/// which there are no datagrams.
Task<> run_generator(Context& context, DatagramEnd end, GeneratorOptions options);
/// Tells of each load.
Task<> run_meter(Context& context, DatagramEnd end, MeterOptions options);

}  // namespace sockx

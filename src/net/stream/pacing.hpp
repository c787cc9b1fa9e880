// Pacing: TCP sends evenly, and not in bursts.
#pragma once

#include <cstdint>

#include "net/stream/connection.hpp"
#include "net/stream/stream_options.hpp"

namespace sockx {

/// Has TCP send at so many bytes a second (SO_MAX_PACING_RATE in socket(7)), unless the user has set another
/// pace by an option of `stream`, or another process may go on with the connection.
Layer paced(const StreamOptions& stream, std::uint64_t bytes_per_second);

}  // namespace sockx

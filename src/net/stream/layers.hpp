// Layers: the steps that prepare a connection before it is used, such as pacing, or a handshake that gives
// its stream a Transform. dial() applies them for a client; accept() and Server do for a server.
#pragma once

#include <functional>
#include <vector>

#include "flow/event_loop.hpp"
#include "net/stream/connection.hpp"

namespace sockx {

/// Prepares a connection, until the deadline at the latest. Throws when the connection cannot be used.
using Layer = std::function<Task<>(Connection&, Deadline)>;
using Layers = std::vector<Layer>;

/// What an accepted connection has for its layers.
inline constexpr Duration time_for_layers = std::chrono::seconds(10);

/// One after the other. Borrows `layers` and the connection. Throws what a layer throws.
Task<> apply_layers(const Layers& layers, Connection& connection, Deadline deadline);

}  // namespace sockx

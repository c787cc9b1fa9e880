// Connection: what listen, connect and the transfers work on.
#pragma once

#include <cstdint>
#include <optional>

#include "net/stream_options.hpp"

namespace sockx {

/// A connection, and what is known of it.
struct Connection {
  Socket socket;
  Address peer;
  bool is_adopted = false;  // somebody else may go on with it
};

/// Has TCP send evenly, at so many bytes a second, unless the user has set another pace by --opt, or somebody
/// else may go on with the connection.
void pace(Connection& connection, const StreamOptions& stream, std::optional<std::uint64_t> rate);

}  // namespace sockx

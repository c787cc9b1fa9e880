// PortState: what an attempt to connect has told of a port.
#pragma once

#include <string_view>

namespace sockx {

enum class PortState { open, refused, timed_out, unreachable, failed };

/// By the errno that connect(2) came to, 0 when there was a connection. A unix socket that nobody has made
/// counts as refused.
PortState port_state(int error);

/// "open", "refused", "timed-out", "unreachable", "failed".
std::string_view name_of(PortState state);

}  // namespace sockx

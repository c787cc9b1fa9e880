// PortState: whether a port is open, as an attempt to connect shows.
#pragma once

#include <string_view>

namespace sockx {

/// `proxy_refused`: a proxy has answered that it does not connect to it.
enum class PortState { open, refused, timed_out, unreachable, proxy_refused, failed };

/// By the errno that connect(2) came to, 0 when there was a connection. A unix socket that nobody has made
/// counts as refused.
PortState port_state(int error);

/// "open", "refused", "timed-out", "unreachable", "proxy-refused", "failed".
std::string_view name_of(PortState state);

}  // namespace sockx

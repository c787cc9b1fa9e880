// The layers that send a PROXY header to a server, and read one from a proxy.
#pragma once

#include <functional>

#include "net/proxy/proxy_header.hpp"
#include "net/stream/layers.hpp"

namespace sockx {

/// What a proxy has to send its header.
inline constexpr Duration time_for_proxy_header = std::chrono::seconds(3);

/// Sends a header with the ends of the client's connection, for which this one was dialed
/// (Connection::forwarded), or else with our own addresses. `is_check`: the connection carries nothing, and
/// is there only to see whether it can be opened: LOCAL in v2, UNKNOWN in v1.
Layer send_proxy_header(ProxyHeaderVersion version, bool is_check = false);

/// Reads a header of either version, and not a byte more, within time_for_proxy_header at the most. The
/// connection then has the addresses that were told (Connection::told, its peer and its name), unless the
/// header tells none. `tell` is called when that is done, with the address of the proxy. Throws
/// BadProxyHeader, for a missing header too, and Error.
Layer read_proxy_header(std::function<void(const Connection&, const Address& proxy)> tell = {});

}  // namespace sockx

// The client's side of HTTP CONNECT (RFC 9110, section 9.3.6).
#pragma once

#include <string>

#include "flow/stream.hpp"
#include "net/proxy/proxy.hpp"

namespace sockx {

/// The request, as it goes to the proxy. The target has passed check_target().
std::string connect_request(const Proxy& proxy, const HostPort& target);

/// Asks the proxy at the other end of the stream for a connection to the target, and reads its answer and not
/// a byte further. Throws ProxyRefusal, ProxyError for what is no answer, TimedOut, and Error. All borrowed.
Task<> ask_http(Stream& stream, const Proxy& proxy, const HostPort& target, Deadline deadline);

}  // namespace sockx

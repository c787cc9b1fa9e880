// The client's side of SOCKS 4, 4a and 5.
#pragma once

#include <optional>
#include <string>

#include "flow/stream.hpp"
#include "net/proxy/proxy.hpp"

namespace sockx {

// The messages, as they go to the proxy. Targets have passed check_target().
std::string socks5_greeting(bool has_credentials);
std::string socks5_credentials(const Credentials& credentials);
std::string socks5_request(const HostPort& target);
std::string socks4_request(const Proxy& proxy, const HostPort& target);

/// Asks the proxy at the other end of the stream for a connection to the target, and reads its answers and
/// not a byte further. Throws ProxyRefusal, ProxyError for what is no answer, TimedOut, and Error. All
/// borrowed.
Task<> ask_socks(Stream& stream, const Proxy& proxy, const HostPort& target, Deadline deadline);

}  // namespace sockx

// The messages of SOCKS 4, 4a and 5 as a server reads and writes them (RFC 1928, RFC 1929).
#pragma once

#include <cstdint>
#include <string>

#include "net/proxy/proxy_request.hpp"

namespace sockx {

// From the first byte, which tells the version, to the end of the request. The client must be one of `users`,
// if that is not null; SOCKS 4 has no way to show that. Throw as read_proxy_request() does.
Task<ProxyRequest> read_socks4_request(Stream& stream, const ProxyUsers* users, Deadline deadline);
Task<ProxyRequest> read_socks5_request(Stream& stream, const ProxyUsers* users, Deadline deadline);

/// Eight bytes; the address is 0.0.0.0 for one that is not of IPv4.
std::string socks4_reply(std::uint8_t reply, const Address& bound);
/// The address is 0.0.0.0 with port 0 for one that is not of the Internet.
std::string socks5_reply(std::uint8_t reply, const Address& bound);
/// The reply of RFC 1928, section 6, to a request that fails so.
std::uint8_t socks5_reply_to(ProxyFailure failure);

}  // namespace sockx

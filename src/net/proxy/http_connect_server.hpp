// The messages of HTTP CONNECT as a server reads and writes them (RFC 9110, section 9.3.6).
#pragma once

#include <string>
#include <string_view>

#include "net/proxy/http_head.hpp"
#include "net/proxy/proxy_request.hpp"

namespace sockx {

/// From the first byte to the empty line. The client must be one of `users`, if that is not null. Throws as
/// read_proxy_request() does.
Task<ProxyRequest> read_http_request(Stream& stream, const ProxyUsers* users, Deadline deadline);
/// The same for a head that has been read. Throws ProxyClientError.
ProxyRequest parse_http_request(const HttpHead& head, const ProxyUsers* users);

/// The answer to a request that fails so; `reason` is its body.
std::string http_answer_to(ProxyFailure failure, std::string_view reason);

}  // namespace sockx

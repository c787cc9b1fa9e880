// The PROXY header, by which a proxy tells a server whose connection it forwards: HAProxy's PROXY protocol,
// versions 1 and 2, as bytes.
#pragma once

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "net/stream/connection.hpp"

namespace sockx {

enum class ProxyHeaderVersion { v1 = 1, v2 = 2 };

struct ProxyHeader {
  ProxyHeaderVersion version = ProxyHeaderVersion::v1;
  bool is_local = false;  // LOCAL of v2: the proxy's own connection, a health check for example
  /// What is told of the client. Nothing with LOCAL, and where the sender does not know (UNKNOWN in v1,
  /// AF_UNSPEC in v2): the addresses of the connection itself hold then.
  std::optional<ConnectionEnds> ends;
};

/// Bytes that are no PROXY header. The message is a reason to refuse the connection: "the PROXY header: ...".
class BadProxyHeader : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

inline constexpr std::size_t longest_proxy_header_v1 = 107;  // bytes, the end of the line included
inline constexpr std::size_t start_of_proxy_header_v2 = 16;  // bytes; the last two of them are a length

/// The bytes of a header. An IPv4-mapped IPv6 address counts as the IPv4 one. Addresses that the version
/// cannot tell (vsock, in v1 those of unix sockets too) become UNKNOWN or AF_UNSPEC.
std::string encode(const ProxyHeader& header);

/// How many bytes the header has that begins so, or nothing where more bytes are needed to tell: at most 107
/// in all. Throws BadProxyHeader as soon as it cannot be one.
std::optional<std::size_t> size_of_proxy_header(std::string_view beginning);

/// Reads a whole header, of that size. TLVs are skipped, but for a checksum (PP2_TYPE_CRC32C), which must be
/// right. Throws BadProxyHeader.
ProxyHeader parse_proxy_header(std::string_view header);

}  // namespace sockx

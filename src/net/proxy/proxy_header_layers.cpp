#include "net/proxy/proxy_header_layers.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "flow/event_loop.hpp"

namespace sockx {

namespace {

ProxyHeader header_of(const Connection& connection, ProxyHeaderVersion version, bool is_check) {
  ProxyHeader header{version, is_check && version == ProxyHeaderVersion::v2, {}};
  if (is_check) return header;
  if (connection.forwarded)
    header.ends = *connection.forwarded;
  else
    header.ends = {local_address(connection.fd()), peer_address(connection.fd())};
  return header;
}

Task<> send_header(Connection& connection, ProxyHeaderVersion version, bool is_check, Deadline deadline) {
  const auto bytes = encode(header_of(connection, version, is_check));
  co_await connection.stream.write_all(std::as_bytes(std::span(bytes)), deadline);
}

/// Its size is only known from its first bytes: until then they are looked at and stay where they are.
Task<std::string> read_header(Stream& stream, Deadline deadline) {
  std::array<std::byte, longest_proxy_header_v1> ahead;
  std::optional<std::size_t> whole;
  for (std::size_t before = 0; !whole;) {
    const auto size = co_await stream.peek(ahead, before + 1, deadline);
    whole = size_of_proxy_header(as_text(std::span(ahead).first(size)));
    if (!whole && size == before)
      throw BadProxyHeader(size == 0 ? "the connection ended without a PROXY header"
                                     : "the connection ended within the PROXY header");
    before = size;
  }
  std::string header(*whole, '\0');
  const auto got = co_await stream.read_exactly(std::as_writable_bytes(std::span(header)), deadline);
  if (got < *whole) throw BadProxyHeader("the connection ended within the PROXY header");
  co_return header;
}

Task<> receive_header(Connection& connection, std::function<void(const Connection&, const Address&)> tell,
                      Deadline deadline) {
  const auto limit = after(time_for_proxy_header);
  std::string bytes;
  try {
    auto read = co_await read_header(connection.stream, std::min(deadline, limit));
    bytes = std::move(read);
  } catch (const TimedOut&) {
    if (deadline < limit) throw;
    throw BadProxyHeader(text("no PROXY header within {:g} s", seconds(time_for_proxy_header)));
  }
  const auto header = parse_proxy_header(bytes);
  const auto proxy = connection.peer;
  if (header.ends) {
    connection.told = std::make_shared<ConnectionEnds>(*header.ends);
    connection.peer = header.ends->source;
    connection.stream.rename(connection.peer.to_string());
  }
  if (tell) tell(connection, proxy);
}

}  // namespace

Layer send_proxy_header(ProxyHeaderVersion version, bool is_check) {
  return [version, is_check](Connection& connection, Deadline deadline) {
    return send_header(connection, version, is_check, deadline);
  };
}

Layer read_proxy_header(std::function<void(const Connection&, const Address& proxy)> tell) {
  return [tell = std::move(tell)](Connection& connection, Deadline deadline) {
    return receive_header(connection, tell, deadline);
  };
}

}  // namespace sockx

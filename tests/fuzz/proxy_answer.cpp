// What a proxy answers: SOCKS4, SOCKS5 with and without credentials, HTTP CONNECT. The decision is the same
// however the answer is cut, and not a byte behind the answer is read.
#include "conversation.hpp"
#include "net/proxy/http_connect_client.hpp"
#include "net/proxy/socks_client.hpp"

using namespace sockx;

namespace {

Proxy proxy_of(unsigned kind) {
  constexpr std::array urls{"socks4://u@p",     "socks4a://p", "socks5://p",
                            "socks5h://u:pw@p", "http://p",    "http://u:pw@p"};
  return Proxy::parse(urls.at(kind % urls.size()));
}

Task<std::string> ask(Stream& stream, const Proxy& proxy) {
  const HostPort target{proxy.takes_addresses_only() ? "192.0.2.1" : "example.com", 443};
  if (proxy.kind == Proxy::Kind::http) {
    co_await ask_http(stream, proxy, target, never);
  } else {
    co_await ask_socks(stream, proxy, target, never);
  }
  co_return "connected";
}

}  // namespace

/// The kind of proxy, and what it says.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > fuzz::most_bytes) return 0;
  const auto proxy = proxy_of(data[0]);
  const auto input = std::as_bytes(std::span(data, size)).subspan(1);
  fuzz::read_in_pieces(input, [&](Stream& stream) { return ask(stream, proxy); });
  return 0;
}

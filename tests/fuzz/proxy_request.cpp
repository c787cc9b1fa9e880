// What a client asks of a proxy: SOCKS4, 4a, 5 and HTTP CONNECT on one port. The decision is the same however
// the request is cut, not a byte behind it is read, and the target is one that may be looked up.
#include "net/proxy/proxy_request.hpp"

#include "conversation.hpp"
#include "net/proxy/proxy_users.hpp"

using namespace sockx;

namespace {

Task<std::string> read(Stream& stream, const ProxyUsers* users) {
  const auto request = co_await read_proxy_request(stream, users, never);
  if (!request) co_return "nothing";
  assert(is_host_to_look_up(request->target.host));
  const auto shown = request->shown();
  assert(one_line(shown) == shown);
  assert((users != nullptr) == !request->user.empty());
  assert(!grant(*request, Address::any(AF_INET, 1)).empty());
  for (const auto failure : {ProxyFailure::denied, ProxyFailure::no_host, ProxyFailure::other})
    assert(!refusal(*request, failure, "a reason").empty());
  co_return text("{} {} {}", name_of(request->protocol), shown, request->user);
}

}  // namespace

/// Whether there are users, and what the client says.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > fuzz::most_bytes) return 0;
  static const ProxyUsers users(std::vector<Credentials>{{"user", "password"}});
  const auto* const admitted = data[0] % 2 == 1 ? &users : nullptr;
  const auto input = std::as_bytes(std::span(data, size)).subspan(1);
  fuzz::read_in_pieces(input, [&](Stream& stream) { return read(stream, admitted); });
  return 0;
}

// PROXY headers: the decision is the same however much of the bytes is seen at first, what is refused is
// refused in one line, and what is understood is written as a header that means the same.
#include "net/proxy/proxy_header.hpp"

#include "support.hpp"

using namespace sockx;

namespace {

/// One line without control characters; what a peer has sent is quoted in part only.
void check_refusal(const BadProxyHeader& refusal) {
  const std::string_view message = refusal.what();
  assert(message.size() < 500);
  assert(one_line(message) == message);
}

/// How many bytes the header has; nothing where more are needed, or it is refused.
std::optional<std::size_t> size_of(std::string_view beginning, bool& is_refused) {
  try {
    const auto size = size_of_proxy_header(beginning);
    is_refused = false;
    return size;
  } catch (const BadProxyHeader& refusal) {
    check_refusal(refusal);
    is_refused = true;
    return {};
  }
}

bool same(const ProxyHeader& one, const ProxyHeader& other) {
  if (one.version != other.version || one.is_local != other.is_local) return false;
  if (!one.ends || !other.ends) return !one.ends && !other.ends;
  const auto same_end = [](const Address& a, const Address& b) { return a.to_string() == b.to_string(); };
  return same_end(one.ends->source, other.ends->source) &&
         same_end(one.ends->destination, other.ends->destination);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes = fuzz::string_of(std::as_bytes(std::span(data, size)));
  bool is_refused = false;
  std::optional<std::size_t> whole;
  for (std::size_t seen = 0; seen <= std::min<std::size_t>(size, 120) && !is_refused && !whole; ++seen) {
    whole = size_of(bytes.substr(0, seen), is_refused);
    assert(whole || is_refused || seen < longest_proxy_header_v1);
    if (whole && bytes.starts_with('P')) assert(*whole == seen && seen <= longest_proxy_header_v1);
    if (whole && !bytes.starts_with('P')) assert(seen == start_of_proxy_header_v2 && *whole >= seen);
  }
  bool is_refused_at_once = false;
  const auto at_once = size_of(bytes, is_refused_at_once);
  assert(at_once == whole && is_refused_at_once == is_refused);
  if (!whole || *whole > size) return 0;
  std::optional<ProxyHeader> header;
  try {
    header = parse_proxy_header(bytes.substr(0, *whole));
  } catch (const BadProxyHeader& refusal) {
    check_refusal(refusal);
    return 0;
  }
  const auto again = encode(*header);
  assert(same(parse_proxy_header(again), *header));
  return 0;
}

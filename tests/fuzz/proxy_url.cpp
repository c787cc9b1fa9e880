// The URL of a proxy, and the names that it is asked for: what is understood is shown as a URL that means the
// same, and nothing that is shown has the credentials.
#include "net/proxy/proxy.hpp"
#include "support.hpp"

using namespace sockx;

namespace {

/// No message of ours has this letter: where it is shown, it was a part of what was typed.
constexpr char mark = '~';

/// Whether the mark is in the credentials only.
bool is_marked(const std::string& word) {
  const auto [begin, size] = credentials_in(word);
  return word.substr(begin, size).find(mark) != word.npos &&
         without_credentials(word).find(mark) == word.npos;
}

Proxy parse(const std::string& word) {
  try {
    return Proxy::parse(word);
  } catch (const BadInput& refusal) {
    if (is_marked(word)) assert(std::string_view(refusal.what()).find(mark) == std::string_view::npos);
    throw;
  }
}

}  // namespace

/// A URL, and perhaps a NUL and the host of a target.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto words = fuzz::words_of(data, size);
  const auto typed = without_credentials(words[0]);
  const auto proxy = fuzz::accepted(typed, [&] { return parse(words[0]); });
  if (!proxy) return 0;
  const auto shown = proxy->to_string();
  if (is_marked(words[0])) assert(shown.find(mark) == shown.npos);
  const auto again = Proxy::parse(shown);
  assert(again.kind == proxy->kind && again.host == proxy->host && again.port == proxy->port);
  assert(!again.credentials && proxy->port != 0);
  if (proxy->credentials) {
    if (proxy->is_socks4())
      check_user(proxy->credentials->user);
    else
      check(*proxy->credentials);
  }
  if (words.size() < 2) return 0;
  try {
    check_target(*proxy, {words[1], 80});
    assert(!words[1].empty() && words[1].size() <= 255);
    for (const char letter : words[1]) assert(static_cast<unsigned char>(letter) > ' ' && letter != '\x7f');
  } catch (const BadInput& refusal) {
    const std::string message = refusal.what();
    assert(one_line(message) == message);
  }
  return 0;
}

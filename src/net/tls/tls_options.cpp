#include "net/tls/tls_options.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"

namespace sockx {

namespace {

constexpr std::string_view pin_prefix = "sha256//";
constexpr std::size_t base64_of_sha256 = 44;  // characters, the last of which is '='

bool is_base64(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

bool is_pin(std::string_view word) {
  if (!word.starts_with(pin_prefix)) return false;
  word.remove_prefix(pin_prefix.size());
  return word.size() == base64_of_sha256 && word.back() == '=' &&
         std::ranges::all_of(word.substr(0, word.size() - 1), is_base64);
}

}  // namespace

std::vector<std::string> parse_pins(std::string_view words) {
  std::vector<std::string> pins;
  for (auto rest = words;;) {
    const auto end = rest.find(';');
    const auto word = rest.substr(0, end);
    if (!is_pin(word))
      throw BadInput("tls-pin", text("'{}': a pin is sha256// and the base64 of 32 bytes, as in "
                                     "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
                                     word));
    pins.emplace_back(word);
    if (end == std::string_view::npos) return pins;
    rest.remove_prefix(end + 1);
  }
}

void check(const TlsOptions& options) {
  if (options.certificate.empty() && !options.key.empty())
    throw advise(BadInput("tls-key", "a key is of no use without its certificate"), "tls-cert");
  for (const auto& protocol : options.alpn)
    if (protocol.empty() || protocol.size() > 255)
      throw BadInput("tls-alpn", text("'{}': the name of a protocol has 1 to 255 bytes", protocol));
  if (options.role == TlsOptions::Role::server) return;
  const bool pin_is_proof = !options.pins.empty() && options.ca.empty();
  if (options.name.empty() && !options.is_insecure && !pin_is_proof)
    throw advise(BadInput("there is no name to verify the peer's certificate against"), "tls-name");
}

}  // namespace sockx

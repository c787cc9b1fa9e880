#include "net/proxy/http_connect_client.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/words.hpp"
#include "net/proxy/http_head.hpp"
#include "net/proxy/proxy_refusal.hpp"

namespace sockx {

namespace {

constexpr std::string_view http_prefix = "HTTP/";
constexpr std::size_t longest_quote = 200;  // bytes of a status line
constexpr int most_interim = 16;            // answers before the final one

[[noreturn]] void throw_closed_early() {
  throw ProxyRefusal("the proxy closed the connection before its answer was complete", true);
}

std::string shortened_line(const std::string& status_line) {
  const bool is_long = status_line.size() > longest_quote;
  return one_line(status_line.substr(0, longest_quote)) + (is_long ? "..." : "");
}

/// Another protocol may have no lines to wait for.
Task<> check_protocol(Stream& stream, Deadline deadline) {
  std::array<std::byte, http_prefix.size()> bytes{};
  const auto buffer = std::span(bytes);
  for (std::size_t least = 1; least <= bytes.size(); ++least) {
    const auto size = co_await stream.peek(buffer, least, deadline);
    const auto begun = as_text(buffer.first(size));
    if (!http_prefix.starts_with(begun))
      throw ProxyError(
          text("the proxy does not speak HTTP: its answer begins with {}{}", hexadecimal(begun, " "),
               begun.front() == 0x15 ? ", as an alert of TLS does: say https:// for its URL" : ""));
    if (size < least) throw_closed_early();
    least = size;
  }
}

/// Of "HTTP/1.1 200 OK", 200.
int status_code(const std::string& status_line) {
  constexpr std::string_view version = "HTTP/1.";
  constexpr std::size_t code_at = version.size() + 2, code_size = 3;
  const bool is_status_line =
      status_line.starts_with(version) && status_line.size() >= code_at + code_size &&
      status_line[code_at - 1] == ' ' &&
      (status_line.size() == code_at + code_size || status_line[code_at + code_size] == ' ');
  const auto digits = is_status_line ? status_line.substr(code_at, code_size) : "";
  const auto code = is_all_digits(digits) ? number_in<int>(digits) : std::nullopt;
  if (!code || *code < 100)
    throw ProxyError(text("the proxy's answer is no status line of HTTP/1: {}", shortened_line(status_line)));
  return *code;
}

bool may_pass_by_http(int code) { return code >= 500 || code == 408 || code == 429; }

[[noreturn]] void throw_refusal(const Proxy& proxy, const std::string& status_line, int code) {
  const auto reply = shortened_line(status_line);
  if (code != 407)
    throw ProxyRefusal(text("the proxy answered: {}", reply), reply, may_pass_by_http(code), code);
  if (proxy.credentials)
    throw ProxyRefusal(text("the proxy refuses the user name or the password: {}", reply), reply, false,
                       code);
  throw advise(ProxyRefusal(text("the proxy requires credentials: {}", reply), reply, false, code),
               "proxy-auth-file");
}

}  // namespace

std::string connect_request(const Proxy& proxy, const HostPort& target) {
  const auto authority = Endpoint{target}.to_string();
  auto request = text("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n", authority);
  if (proxy.credentials)
    request += text("Proxy-Authorization: {}\r\n", basic_authorization(*proxy.credentials));
  return request + "\r\n";
}

Task<> ask_http(Stream& stream, const Proxy& proxy, const HostPort& target, Deadline deadline) {
  const auto request = connect_request(proxy, target);
  const auto bytes = std::as_bytes(std::span(request));
  co_await stream.write_all(bytes, deadline);
  for (int answers = 0; answers <= most_interim; ++answers) {
    co_await check_protocol(stream, deadline);
    const auto head = co_await read_http_head(stream, deadline);
    if (!head) throw_closed_early();
    const int code = status_code(head->start_line);
    if (code >= 200 && code < 300) co_return;
    if (code >= 200 || code == 101) throw_refusal(proxy, head->start_line, code);
  }
  throw ProxyError("the proxy sends interim answers and no final one");
}

}  // namespace sockx

#include "net/proxy/http_connect_server.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "base/words.hpp"
#include "net/address/numeric_address.hpp"
#include "net/proxy/proxy_users.hpp"

namespace sockx {

namespace {

struct Status {
  std::string_view line;
  std::string_view field = {};  // with its line end
};

constexpr Status bad_request{"400 Bad Request"};
constexpr Status forbidden{"403 Forbidden"};
constexpr Status not_allowed{"405 Method Not Allowed", "Allow: CONNECT\r\n"};
constexpr Status not_authenticated{"407 Proxy Authentication Required",
                                   "Proxy-Authenticate: Basic realm=\"sockx\", charset=\"UTF-8\"\r\n"};
constexpr Status too_large{"431 Request Header Fields Too Large"};
constexpr Status not_implemented{"501 Not Implemented"};
constexpr Status bad_gateway{"502 Bad Gateway"};
constexpr Status unavailable{"503 Service Unavailable"};
constexpr Status gateway_timeout{"504 Gateway Timeout"};
constexpr Status version_not_supported{"505 HTTP Version Not Supported"};

std::string answer(const Status& status, std::string_view reason) {
  const auto body = one_line(reason) + '\n';
  return text(
      "HTTP/1.1 {}\r\n{}Content-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: "
      "close\r\n"
      "\r\n{}",
      status.line, status.field, body.size(), body);
}

[[noreturn]] void refuse(const Status& status, const std::string& reason) {
  throw ProxyClientError(reason, answer(status, reason));
}

/// The three words of the first line.
struct RequestLine {
  std::string_view method, target, version;
};

RequestLine parse_request_line(std::string_view line) {
  const auto first = line.find(' '), last = line.rfind(' ');
  if (first == line.npos || first == last || line.find(' ', first + 1) != last)
    refuse(bad_request, "the first line of its request is not METHOD TARGET VERSION");
  return {line.substr(0, first), line.substr(first + 1, last - first - 1), line.substr(last + 1)};
}

void check(const RequestLine& line) {
  constexpr std::array others{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"};
  if (!line.version.starts_with("HTTP/"))
    refuse(bad_request, "the first line of its request is not METHOD TARGET VERSION");
  if (line.version != "HTTP/1.1" && line.version != "HTTP/1.0")
    refuse(version_not_supported,
           text("it speaks {}, and this proxy HTTP/1.1", escaped(line.version.substr(0, 20))));
  if (line.method == "CONNECT") return;
  const bool is_known = std::ranges::find(others, line.method) != others.end();
  refuse(is_known ? not_allowed : not_implemented,
         text("it asks for {}, and this proxy has CONNECT only", escaped(line.method.substr(0, 20))));
}

HostPort parse_target(std::string_view words) {
  const auto colon = words.rfind(':');
  const auto wrong = [&] {
    refuse(bad_request, text("'{}' is no host and port", escaped(words.substr(0, 300))));
  };
  if (colon == words.npos) wrong();
  const auto port = number_in<std::uint16_t>(words.substr(colon + 1));
  auto host = words.substr(0, colon);
  const bool has_brackets = host.starts_with('[') && host.ends_with(']');
  if (has_brackets) host = host.substr(1, host.size() - 2);
  const bool is_v6 = host.find(':') != host.npos;
  if (!port || *port == 0 || is_v6 != has_brackets || !is_host_to_look_up(host)) wrong();
  if (is_v6 && !numeric_address(std::string(host))) wrong();
  return {std::string(host), *port};
}

/// The user, who must be one of `users`.
std::string authenticate(const HttpHead& head, const ProxyUsers& users) {
  const auto value = head.field("Proxy-Authorization");
  if (!value) refuse(not_authenticated, "a user and password are needed");
  auto offered = parse_basic_authorization(*value);
  if (!offered || !users.admits(*offered)) refuse(not_authenticated, "its user or password is wrong");
  return std::move(offered->user);
}

}  // namespace

ProxyRequest parse_http_request(const HttpHead& head, const ProxyUsers* users) {
  const auto line = parse_request_line(head.start_line);
  for (const auto& field : head.fields)
    if (!parse_http_field(field)) refuse(bad_request, "a line of its header is not a header field");
  ProxyRequest request{ProxyProtocol::http, {}, {}};
  if (users != nullptr) request.user = authenticate(head, *users);
  check(line);
  request.target = parse_target(line.target);
  return request;
}

Task<ProxyRequest> read_http_request(Stream& stream, const ProxyUsers* users, Deadline deadline) {
  std::optional<HttpHead> head;
  try {
    head = co_await read_http_head(stream, deadline);
  } catch (const ProxyError& error) {
    refuse(too_large, error.what());
  }
  if (!head) throw ProxyClientError("it ended the connection within its request", "");
  co_return parse_http_request(*head, users);
}

std::string http_answer_to(ProxyFailure failure, std::string_view reason) {
  switch (failure) {
    case ProxyFailure::denied:
      return answer(forbidden, reason);
    case ProxyFailure::no_network:
    case ProxyFailure::no_host:
    case ProxyFailure::refused:
      return answer(bad_gateway, reason);
    case ProxyFailure::timed_out:
      return answer(gateway_timeout, reason);
    case ProxyFailure::no_room:
      return answer(unavailable, reason);
    case ProxyFailure::other:
      break;
  }
  return answer(bad_gateway, reason);
}

}  // namespace sockx

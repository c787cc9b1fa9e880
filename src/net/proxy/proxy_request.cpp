#include "net/proxy/proxy_request.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/text.hpp"
#include "net/address/lookups.hpp"
#include "net/proxy/http_connect_server.hpp"
#include "net/proxy/socks.hpp"
#include "net/proxy/socks_server.hpp"

namespace sockx {

namespace {

bool is_letter(std::uint8_t byte) { return (byte | 0x20U) >= 'a' && (byte | 0x20U) <= 'z'; }

[[noreturn]] void refuse_other_protocol(std::uint8_t first) {
  constexpr std::uint8_t tls_handshake = 0x16;
  throw ProxyClientError(
      first == tls_handshake
          ? "it speaks TLS, and this proxy does not"
          : text("it speaks neither SOCKS nor HTTP: its first byte is 0x{:02x}", unsigned{first}),
      "");
}

}  // namespace

std::string_view name_of(ProxyProtocol protocol) {
  switch (protocol) {
    case ProxyProtocol::socks4:
      return "SOCKS4";
    case ProxyProtocol::socks4a:
      return "SOCKS4a";
    case ProxyProtocol::socks5:
      return "SOCKS5";
    case ProxyProtocol::http:
      break;
  }
  return "HTTP";
}

std::string ProxyRequest::shown() const {
  const auto host = escaped(target.host);
  return host.find(':') == std::string::npos ? text("{}:{}", host, target.port)
                                             : text("[{}]:{}", host, target.port);
}

ProxyFailure failure_of(std::exception_ptr thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const ProxyDenial&) {
    return ProxyFailure::denied;
  } catch (const TimedOut&) {
    return ProxyFailure::timed_out;
  } catch (const ResolveError&) {
    return ProxyFailure::no_host;
  } catch (const Error& error) {
    if (is_shortage(error)) return ProxyFailure::no_room;
    switch (error.number()) {
      case ENETUNREACH:
      case ENETDOWN:
      case EAFNOSUPPORT:
        return ProxyFailure::no_network;
      case EHOSTUNREACH:
      case EHOSTDOWN:
        return ProxyFailure::no_host;
      case ECONNREFUSED:
        return ProxyFailure::refused;
      case ETIMEDOUT:
        return ProxyFailure::timed_out;
      default:
        return ProxyFailure::other;
    }
  } catch (...) {
    return ProxyFailure::other;
  }
}

bool is_host_to_look_up(std::string_view host) {
  const auto is_usual = [](char letter) {
    const auto byte = static_cast<std::uint8_t>(letter);
    return is_letter(byte) || (byte >= '0' && byte <= '9') || byte >= 0x80 ||
           std::string_view("-_.:%").find(letter) != std::string_view::npos;
  };
  return !host.empty() && host.size() <= socks::longest_name && std::ranges::all_of(host, is_usual);
}

Task<std::optional<ProxyRequest>> read_proxy_request(Stream& stream, const ProxyUsers* users,
                                                     Deadline deadline) {
  std::array<std::byte, 1> first{};
  const auto size = co_await stream.peek(first, 1, deadline);
  if (size == 0) co_return std::nullopt;
  const auto version = std::to_integer<std::uint8_t>(first.front());
  if (version == socks::version4) {
    co_return co_await read_socks4_request(stream, users, deadline);
  }
  if (version == socks::version5) {
    co_return co_await read_socks5_request(stream, users, deadline);
  }
  if (!is_letter(version)) refuse_other_protocol(version);
  co_return co_await read_http_request(stream, users, deadline);
}

std::string grant(const ProxyRequest& request, const Address& bound) {
  switch (request.protocol) {
    case ProxyProtocol::socks4:
    case ProxyProtocol::socks4a:
      return socks4_reply(socks::granted, bound);
    case ProxyProtocol::socks5:
      return socks5_reply(socks::succeeded, bound);
    case ProxyProtocol::http:
      break;
  }
  return "HTTP/1.1 200 Connection established\r\n\r\n";
}

std::string refusal(const ProxyRequest& request, ProxyFailure failure, std::string_view reason) {
  const Address nothing = Address::any(AF_INET, 0);
  switch (request.protocol) {
    case ProxyProtocol::socks4:
    case ProxyProtocol::socks4a:
      return socks4_reply(socks::rejected, nothing);
    case ProxyProtocol::socks5:
      return socks5_reply(socks5_reply_to(failure), nothing);
    case ProxyProtocol::http:
      break;
  }
  return http_answer_to(failure, reason);
}

}  // namespace sockx

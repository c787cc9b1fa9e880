#include "net/proxy/socks_client.hpp"

#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/address/numeric_address.hpp"
#include "net/proxy/proxy_refusal.hpp"
#include "net/proxy/socks.hpp"

namespace sockx {

namespace {

char one_byte(std::size_t value) { return static_cast<char>(static_cast<std::uint8_t>(value)); }

std::string port_bytes(std::uint16_t port) { return {one_byte(port >> 8U), one_byte(port & 0xffU)}; }

/// In network order: 4 bytes, or 16.
std::string address_bytes(const Address& address) {
  if (address.family() == AF_INET) {
    const auto& v4 = *reinterpret_cast<const sockaddr_in*>(address.data());
    return {reinterpret_cast<const char*>(&v4.sin_addr), sizeof v4.sin_addr};
  }
  const auto& v6 = *reinterpret_cast<const sockaddr_in6*>(address.data());
  return {reinterpret_cast<const char*>(&v6.sin6_addr), sizeof v6.sin6_addr};
}

std::string with_length(const std::string& word) { return one_byte(word.size()) + word; }

/// The next bytes of the answer, all of them. Throws ProxyRefusal where the proxy has closed before.
Task<> read_answer(Stream& stream, std::span<std::uint8_t> answer, Deadline deadline) {
  const auto bytes = std::as_writable_bytes(answer);
  const auto size = co_await stream.read_exactly(bytes, deadline);
  if (size < answer.size())
    throw ProxyRefusal("the proxy closed the connection before its answer was complete", true);
}

Task<> send_message(Stream& stream, const std::string& message, Deadline deadline) {
  const auto bytes = std::as_bytes(std::span(message));
  co_await stream.write_all(bytes, deadline);
}

[[noreturn]] void throw_other_protocol(std::string_view wanted, std::uint8_t first) {
  const bool is_http = first == 'H';
  throw ProxyError(text("the proxy does not speak {}: its answer begins with byte {:#04x}{}", wanted, first,
                        is_http ? ", as that of an HTTP proxy does" : ""));
}

Task<> log_in(Stream& stream, const Credentials& credentials, Deadline deadline) {
  const auto message = socks5_credentials(credentials);
  co_await send_message(stream, message, deadline);
  std::array<std::uint8_t, 2> answer{};
  co_await read_answer(stream, answer, deadline);
  // Some proxies answer with the version of SOCKS here. The status is all that counts.
  if (answer[0] != socks::user_password_version && answer[0] != socks::version5)
    throw_other_protocol("SOCKS5", answer[0]);
  if (answer[1] != 0)
    throw ProxyRefusal(text("the proxy refuses the user name or the password (status {})", answer[1]), false);
}

[[noreturn]] void throw_no_method(bool has_credentials) {
  if (has_credentials)
    throw ProxyRefusal("the proxy accepts neither a user name and password nor a client without them", false,
                       ProxyRefusal::no_method);
  throw advise(ProxyRefusal("the proxy requires credentials", false, ProxyRefusal::no_method),
               "proxy-auth-file");
}

Task<> choose_method(Stream& stream, const Proxy& proxy, Deadline deadline) {
  const bool has_credentials = proxy.credentials.has_value();
  const auto message = socks5_greeting(has_credentials);
  co_await send_message(stream, message, deadline);
  std::array<std::uint8_t, 2> answer{};
  auto first = std::span(answer).first(1);
  co_await read_answer(stream, first, deadline);
  if (answer[0] != socks::version5) throw_other_protocol("SOCKS5", answer[0]);
  auto second = std::span(answer).last(1);
  co_await read_answer(stream, second, deadline);
  const auto method = answer[1];
  if (method == socks::none_acceptable) throw_no_method(has_credentials);
  if (method == socks::no_authentication) co_return;
  if (method != socks::user_password || !has_credentials)
    throw ProxyError(text("the proxy chose the authentication method {}, which it was not offered", method));
  co_await log_in(stream, *proxy.credentials, deadline);
}

/// What another attempt may change.
bool may_pass_by_socks(std::uint8_t reply) {
  return reply == socks::general_failure || reply == socks::network_unreachable ||
         reply == socks::host_unreachable || reply == socks::connection_refused ||
         reply == socks::ttl_expired;
}

/// The address that the proxy connects from is of no use to us, but it has to be read.
Task<> skip_bound_address(Stream& stream, std::uint8_t type, Deadline deadline) {
  std::array<std::uint8_t, socks::longest_name + 2> rest{};
  std::size_t size = 0;
  switch (type) {
    case socks::ipv4:
      size = 4;
      break;
    case socks::ipv6:
      size = 16;
      break;
    case socks::host_name: {
      auto length = std::span(rest).first(1);
      co_await read_answer(stream, length, deadline);
      size = rest[0];
      break;
    }
    default:
      throw ProxyError(text("the proxy's answer has an address of unknown type {}", type));
  }
  auto address = std::span(rest).first(size + 2);
  co_await read_answer(stream, address, deadline);
}

Task<> ask_socks5(Stream& stream, const Proxy& proxy, const HostPort& target, Deadline deadline) {
  co_await choose_method(stream, proxy, deadline);
  const auto message = socks5_request(target);
  co_await send_message(stream, message, deadline);
  std::array<std::uint8_t, 4> answer{};
  auto beginning = std::span(answer).first(2);
  co_await read_answer(stream, beginning, deadline);
  if (answer[0] != socks::version5) throw_other_protocol("SOCKS5", answer[0]);
  // A proxy that refuses may close without the rest.
  if (answer[1] != socks::succeeded)
    throw ProxyRefusal(text("{} (SOCKS5 reply {})", socks::name_of_reply(answer[1]), answer[1]),
                       may_pass_by_socks(answer[1]), answer[1]);
  auto rest = std::span(answer).last(2);
  co_await read_answer(stream, rest, deadline);
  co_await skip_bound_address(stream, answer[3], deadline);
}

Task<> ask_socks4(Stream& stream, const Proxy& proxy, const HostPort& target, Deadline deadline) {
  const auto message = socks4_request(proxy, target);
  co_await send_message(stream, message, deadline);
  std::array<std::uint8_t, 8> answer{};
  auto beginning = std::span(answer).first(2);
  co_await read_answer(stream, beginning, deadline);
  // The first byte should be 0, but some proxies send the version of SOCKS.
  if (answer[0] != 0 && answer[0] != socks::version4) throw_other_protocol("SOCKS4", answer[0]);
  if (answer[1] != socks::granted)
    throw ProxyRefusal(text("{} (SOCKS4 reply {})", socks::name_of_reply4(answer[1]), answer[1]),
                       answer[1] == socks::rejected, answer[1]);
  auto rest = std::span(answer).last(6);
  co_await read_answer(stream, rest, deadline);
}

}  // namespace

std::string socks5_greeting(bool has_credentials) {
  if (!has_credentials) return {one_byte(socks::version5), 1, one_byte(socks::no_authentication)};
  return {one_byte(socks::version5), 2, one_byte(socks::no_authentication), one_byte(socks::user_password)};
}

std::string socks5_credentials(const Credentials& credentials) {
  return one_byte(socks::user_password_version) + with_length(credentials.user) +
         with_length(credentials.password);
}

std::string socks5_request(const HostPort& target) {
  std::string message{one_byte(socks::version5), one_byte(socks::connect), 0};
  if (const auto address = numeric_address(target.host)) {
    message += one_byte(address->family() == AF_INET ? socks::ipv4 : socks::ipv6);
    message += address_bytes(*address);
  } else {
    message += one_byte(socks::host_name) + with_length(target.host);
  }
  return message + port_bytes(target.port);
}

std::string socks4_request(const Proxy& proxy, const HostPort& target) {
  constexpr std::string_view name_follows("\0\0\0\1", 4);  // 0.0.0.1, of SOCKS4a
  const auto address = numeric_address(target.host);
  std::string message{one_byte(socks::version4), one_byte(socks::connect)};
  message += port_bytes(target.port);
  message += address ? address_bytes(*address) : std::string(name_follows);
  message += (proxy.credentials ? proxy.credentials->user : "") + '\0';
  if (!address) message += target.host + '\0';
  return message;
}

Task<> ask_socks(Stream& stream, const Proxy& proxy, const HostPort& target, Deadline deadline) {
  if (proxy.is_socks4()) {
    co_await ask_socks4(stream, proxy, target, deadline);
  } else {
    co_await ask_socks5(stream, proxy, target, deadline);
  }
}

}  // namespace sockx

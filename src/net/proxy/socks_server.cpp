#include "net/proxy/socks_server.hpp"

#include <netinet/in.h>

#include <array>
#include <cstring>

#include "base/text.hpp"
#include "net/proxy/proxy_users.hpp"
#include "net/proxy/socks.hpp"

namespace sockx {

namespace {

constexpr std::uint8_t is_admitted = 0, is_not_admitted = 1;  // the status of RFC 1929

std::string message_of(std::initializer_list<unsigned> bytes) {
  std::string message;
  for (const auto byte : bytes) message += static_cast<char>(byte);
  return message;
}

std::uint8_t byte_at(std::string_view message, std::size_t place) {
  return static_cast<std::uint8_t>(message[place]);
}

std::uint16_t port_at(std::string_view message, std::size_t place) {
  return static_cast<std::uint16_t>(byte_at(message, place) << 8U | byte_at(message, place + 1));
}

/// The bytes of an address and its port, in network order.
std::string packed(const Address& address) {
  const auto bytes_of = [](const auto& host, const auto& port) {
    return std::string(reinterpret_cast<const char*>(&host), sizeof host) +
           std::string(reinterpret_cast<const char*>(&port), sizeof port);
  };
  if (address.family() == AF_INET6) {
    const auto& v6 = *reinterpret_cast<const sockaddr_in6*>(address.data());
    return bytes_of(v6.sin6_addr, v6.sin6_port);
  }
  const auto& v4 = *reinterpret_cast<const sockaddr_in*>(address.data());
  return bytes_of(v4.sin_addr, v4.sin_port);
}

/// The words of a binary address.
std::string host_of(int family, std::string_view bytes) {
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  v4.sin_family = AF_INET;
  v6.sin6_family = AF_INET6;
  if (family == AF_INET) {
    std::memcpy(&v4.sin_addr, bytes.data(), sizeof v4.sin_addr);
    return Address(reinterpret_cast<const sockaddr*>(&v4), sizeof v4).host();
  }
  std::memcpy(&v6.sin6_addr, bytes.data(), sizeof v6.sin6_addr);
  return Address(reinterpret_cast<const sockaddr*>(&v6), sizeof v6).host();
}

std::string refusal5(std::uint8_t reply) { return socks5_reply(reply, Address::any(AF_INET, 0)); }
std::string refusal4() { return socks4_reply(socks::rejected, Address::any(AF_INET, 0)); }

[[noreturn]] void throw_ended() { throw ProxyClientError("it ended the connection within its request", ""); }

/// So many bytes, all of them.
Task<std::string> read_bytes(Stream& stream, std::size_t size, Deadline deadline) {
  std::string bytes(size, '\0');
  const auto space = std::as_writable_bytes(std::span(bytes));
  const auto got = co_await stream.read_exactly(space, deadline);
  if (got < size) throw_ended();
  co_return bytes;
}

/// A byte that says how many follow, and these.
Task<std::string> read_counted(Stream& stream, Deadline deadline) {
  const auto size = co_await read_bytes(stream, 1, deadline);
  co_return co_await read_bytes(stream, byte_at(size, 0), deadline);
}

/// Bytes up to a NUL, which is not returned.
Task<std::string> read_string(Stream& stream, Deadline deadline) {
  const auto find_nul = [](std::string_view known, std::size_t seen) { return known.find('\0', seen) + 1; };
  std::optional<std::string> bytes;
  try {
    bytes = co_await stream.read_up_to(find_nul, socks::longest_name + 1, deadline);
  } catch (const Error& error) {
    if (error.number() != EMSGSIZE) throw;
    throw ProxyClientError("a text of its request has more than 255 bytes", refusal4());
  }
  if (!bytes) throw_ended();
  bytes->pop_back();
  co_return std::move(*bytes);
}

Task<> say(Stream& stream, std::string message, Deadline deadline) {
  co_await stream.write_all(std::as_bytes(std::span(message)), deadline);
}

std::string_view name_of_command(std::uint8_t command) {
  if (command == socks::bind) return "BIND";
  return command == socks::udp_associate ? "UDP ASSOCIATE" : "a command that is not known";
}

/// The command of a request; `reply` is the one for a command that there is not.
void check_command(std::uint8_t command, std::string reply) {
  if (command == socks::connect) return;
  throw ProxyClientError(text("it asks for {}, and this proxy has CONNECT only", name_of_command(command)),
                         std::move(reply));
}

void check_target(const HostPort& target, std::string reply) {
  if (is_host_to_look_up(target.host) && target.port != 0) return;
  throw ProxyClientError(text("'{}:{}' is no host and port", escaped(target.host), target.port),
                         std::move(reply));
}

/// RFC 1929. Returns the user.
Task<std::string> authenticate(Stream& stream, const ProxyUsers& users, Deadline deadline) {
  const auto no = message_of({socks::user_password_version, is_not_admitted});
  const auto version = co_await read_bytes(stream, 1, deadline);
  if (byte_at(version, 0) != socks::user_password_version)
    throw ProxyClientError(
        text("it asks for version {} of the user and password", unsigned{byte_at(version, 0)}), no);
  Credentials offered;
  offered.user = co_await read_counted(stream, deadline);
  offered.password = co_await read_counted(stream, deadline);
  if (!users.admits(offered)) throw ProxyClientError("its user or password is wrong", no);
  auto yes = message_of({socks::user_password_version, is_admitted});
  co_await say(stream, std::move(yes), deadline);
  co_return std::move(offered.user);
}

/// The method of RFC 1928, section 3. Returns the user, if there are users.
Task<std::string> agree_on_method(Stream& stream, const ProxyUsers* users, Deadline deadline) {
  const auto methods = co_await read_counted(stream, deadline);
  const auto wanted = users != nullptr ? socks::user_password : socks::no_authentication;
  if (methods.find(static_cast<char>(wanted)) == std::string::npos)
    throw ProxyClientError(users != nullptr
                               ? "it does not offer a user and password"
                               : "it offers only a user name and password, and this proxy has no users",
                           message_of({socks::version5, socks::none_acceptable}));
  auto chosen = message_of({socks::version5, wanted});
  co_await say(stream, std::move(chosen), deadline);
  if (users == nullptr) co_return std::string();
  co_return co_await authenticate(stream, *users, deadline);
}

Task<std::string> read_host(Stream& stream, std::uint8_t type, Deadline deadline) {
  if (type == socks::host_name) {
    co_return co_await read_counted(stream, deadline);
  }
  if (type != socks::ipv4 && type != socks::ipv6)
    throw ProxyClientError(text("its target has the address type {}, which is not known", unsigned{type}),
                           refusal5(socks::address_type_not_supported));
  const bool is_v4 = type == socks::ipv4;
  const std::size_t size = is_v4 ? 4 : 16;
  const auto bytes = co_await read_bytes(stream, size, deadline);
  co_return host_of(is_v4 ? AF_INET : AF_INET6, bytes);
}

}  // namespace

Task<ProxyRequest> read_socks4_request(Stream& stream, const ProxyUsers* users, Deadline deadline) {
  const auto head = co_await read_bytes(stream, 8, deadline);
  ProxyRequest request{
      ProxyProtocol::socks4, {host_of(AF_INET, std::string_view(head).substr(4)), port_at(head, 2)}, {}};
  co_await read_string(stream, deadline);  // the user's name, which nothing shows to be true
  const bool is_name_behind = head.compare(4, 3, std::string(3, '\0')) == 0 && head[7] != '\0';
  if (is_name_behind) {
    request.protocol = ProxyProtocol::socks4a;
    request.target.host = co_await read_string(stream, deadline);
  }
  if (users != nullptr)
    throw ProxyClientError("it speaks SOCKS4, which has no password, and there are users here", refusal4());
  check_command(byte_at(head, 1), refusal4());
  check_target(request.target, refusal4());
  co_return request;
}

Task<ProxyRequest> read_socks5_request(Stream& stream, const ProxyUsers* users, Deadline deadline) {
  co_await read_bytes(stream, 1, deadline);  // the version
  ProxyRequest request{ProxyProtocol::socks5, {}, {}};
  request.user = co_await agree_on_method(stream, users, deadline);
  const auto head = co_await read_bytes(stream, 4, deadline);
  if (byte_at(head, 0) != socks::version5)
    throw ProxyClientError(text("its request has the version {}", unsigned{byte_at(head, 0)}),
                           refusal5(socks::general_failure));
  request.target.host = co_await read_host(stream, byte_at(head, 3), deadline);
  const auto port = co_await read_bytes(stream, 2, deadline);
  request.target.port = port_at(port, 0);
  check_command(byte_at(head, 1), refusal5(socks::command_not_supported));
  check_target(request.target, refusal5(socks::general_failure));
  co_return request;
}

std::string socks4_reply(std::uint8_t reply, const Address& bound) {
  const auto place = packed(
      bound.family() == AF_INET ? bound : Address::any(AF_INET, static_cast<std::uint16_t>(bound.port())));
  return message_of({0, reply}) + place.substr(4) + place.substr(0, 4);
}

std::string socks5_reply(std::uint8_t reply, const Address& bound) {
  const auto shown = is_internet(bound.family()) ? bound : Address::any(AF_INET, 0);
  const auto type = shown.family() == AF_INET ? socks::ipv4 : socks::ipv6;
  return message_of({socks::version5, reply, 0, type}) + packed(shown);
}

std::uint8_t socks5_reply_to(ProxyFailure failure) {
  switch (failure) {
    case ProxyFailure::denied:
      return socks::not_allowed;
    case ProxyFailure::no_network:
      return socks::network_unreachable;
    case ProxyFailure::no_host:
      return socks::host_unreachable;
    case ProxyFailure::refused:
      return socks::connection_refused;
    case ProxyFailure::timed_out:
      return socks::ttl_expired;
    case ProxyFailure::no_room:
    case ProxyFailure::other:
      break;
  }
  return socks::general_failure;
}

}  // namespace sockx

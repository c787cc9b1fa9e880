#include "net/stream_options.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cstring>
#include <fstream>

#include "os/observer.hpp"
#include "os/text.hpp"

namespace sockx {

namespace {

bool is_internet(const Address& address) {
  return address.family() == AF_INET || address.family() == AF_INET6;
}

std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

void use_congestion(Socket& socket, const std::string& name) {
  try {
    set_option(socket.fd(), "TCP_CONGESTION", name);
  } catch (const Error& error) {
    const bool unknown = error.number() == ENOENT;
    if (!unknown && error.number() != EPERM) throw;
    const char* const list = unknown ? "/proc/sys/net/ipv4/tcp_available_congestion_control"
                                     : "/proc/sys/net/ipv4/tcp_allowed_congestion_control";
    throw BadInput(text("--congestion: '{}': {}; say one of: {}", name,
                        unknown ? "the kernel does not have it" : "you may not choose it", first_line(list)));
  }
}

/// Paced algorithms (bbr) slow loopback down, where there is no network to protect. Every user may
/// choose reno; where even that fails the connection is merely slower.
void use_reno(Socket& socket) {
  if (congestion_of(socket) == "reno") return;
  try {
    set_option(socket.fd(), "TCP_CONGESTION", "reno");
  } catch (const Error&) {
    return;
  }
}

}  // namespace

std::string congestion_of(const Socket& socket) {
  char name[16] = "";
  socklen_t size = sizeof name;
  const int result = getsockopt(socket.fd(), IPPROTO_TCP, TCP_CONGESTION, name, &size);
  const std::string read(name, result == 0 ? strnlen(name, size) : 0);
  observe_call("getsockopt", result, "{}, IPPROTO_TCP, TCP_CONGESTION, [{}]", socket.fd(), read);
  return read;
}

void check_type(const Endpoint& endpoint, const StreamOptions& options) {
  if (options.type == SOCK_SEQPACKET && std::holds_alternative<HostPort>(endpoint.where))
    throw BadInput(text("'{}': --type seqpacket is for unix: and vsock: endpoints", endpoint.to_string()));
}

void prepare(Socket& socket, const Address& address, const StreamOptions& options) {
  if (is_internet(address) && !options.congestion.empty()) use_congestion(socket, options.congestion);
  apply(socket.fd(), options.settings, SocketOption::Phase::before_connection);
}

void prepare_listening(Socket& socket, const Address& address, const StreamOptions& options) {
  prepare(socket, address, options);
  if (options.congestion.empty() && address.is_loopback()) use_reno(socket);
  apply(socket.fd(), options.settings, SocketOption::Phase::connected);
}

void prepare_connected(Socket& socket, const StreamOptions& options) {
  prefer_reno_on_this_host(socket, options);
  apply(socket.fd(), options.settings, SocketOption::Phase::connected);
}

void prefer_reno_on_this_host(Socket& socket, const StreamOptions& options) {
  const auto local = socket.local();
  const bool on_this_host = is_internet(local) && local.host() == socket.peer().host();
  if (options.congestion.empty() && on_this_host) use_reno(socket);
}

}  // namespace sockx

#include "net/stream/stream_options.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/address/network_interface.hpp"
#include "os/calls.hpp"
#include "os/observer.hpp"

namespace sockx {

namespace {

using Phase = SocketOption::Phase;

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
    throw BadInput("congestion",
                   text("'{}': {}; say one of: {}", name,
                        unknown ? "the kernel does not have it" : "you may not choose it", first_line(list)));
  }
}

/// Paced algorithms (bbr) slow loopback down, where there is no network to protect. Every user may choose
/// reno; if that fails, the connection is only slower.
void use_reno(int socket) {
  if (congestion_of(socket) != "reno") try_option(socket, "TCP_CONGESTION", "reno");
}

/// Whether the user has chosen the algorithm.
bool names_congestion(const StreamOptions& options) {
  const auto is_it = [](const auto& setting) { return setting.option->name == "TCP_CONGESTION"; };
  return !options.congestion.empty() || std::ranges::any_of(options.settings, is_it);
}

/// Only Internet sockets go through a network that one can choose.
void check_network(const StreamOptions& options, const Endpoint& endpoint) {
  if (options.type == SOCK_SEQPACKET && std::holds_alternative<HostPort>(endpoint.where))
    throw BadInput("type seqpacket",
                   text("'{}' has no records; unix: and vsock: endpoints have them", endpoint.to_string()));
  if (std::holds_alternative<Address>(endpoint.where))
    refuse_given({{!options.interface.empty(), "interface"}, {options.mptcp, "mptcp"}},
                 text("'{}' is not reached by TCP", endpoint.to_string()));
}

/// `other` is the phase of sockets that do the opposite.
void check_use(const OptionSetting& setting, Phase other) {
  if (setting.option->phase == other)
    throw BadInput(text("'{}': {} is for a socket that {}", setting.word, setting.option->name,
                        other == Phase::listening ? "listens" : "dials"));
  if (setting.option->phase == Phase::none)
    throw advise(BadInput(text("'{}': a stream has no use for {}, though its socket can have it",
                               setting.word, setting.option->name)),
                 "sockopt");
}

/// The options that every new socket gets, whether it dials or listens.
void prepare_new(Socket& socket, int family, const StreamOptions& options) {
  for (const auto& setting : options.settings) check_level(setting, family);
  if (!options.interface.empty()) use_interface(socket, family, options.interface);
  if (is_internet(family) && !options.congestion.empty()) use_congestion(socket, options.congestion);
  apply(socket.fd(), options.settings, Phase::before_connection);
}

}  // namespace

std::string congestion_of(int socket) {
  char name[16] = "";
  socklen_t size = sizeof name;
  const int result = getsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, name, &size);
  std::string read(name, result == 0 ? strnlen(name, size) : 0);
  observe_call("getsockopt", result, "{}, IPPROTO_TCP, TCP_CONGESTION, [{}]", socket, read);
  return read;
}

void check_dialing(const StreamOptions& options, const Endpoint& endpoint) {
  check_network(options, endpoint);
  for (const auto& setting : options.settings) check_use(setting, Phase::listening);
  if (!endpoint.is_adopted()) return;
  refuse_given({{options.source.has_value(), "source"},
                {!options.interface.empty(), "interface"},
                {options.mptcp, "mptcp"}},
               text("'{}' is connected already", endpoint.to_string()));
  for (const auto& setting : options.settings)
    if (setting.option->phase != Phase::connected)
      throw BadInput(text("'{}': {} is set before there is a connection, and '{}' is connected already",
                          setting.word, setting.option->name, endpoint.to_string()));
}

void check_listening(const StreamOptions& options, const Endpoint& endpoint) {
  check_network(options, endpoint);
  for (const auto& setting : options.settings) check_use(setting, Phase::dialing);
  if (endpoint.is_adopted())
    refuse_given({{options.mptcp, "mptcp"}}, text("'{}' is a socket already", endpoint.to_string()));
  if (options.source) options.source->to_listen_on(endpoint, options.family);
}

Socket open_socket(int family, const StreamOptions& options) {
  try {
    auto socket = Socket::open(family, options.type,
                               !is_internet(family) ? 0
                               : options.mptcp      ? IPPROTO_MPTCP
                                                    : IPPROTO_TCP);
    if (options.resets_on_close && is_internet(family)) set_reset_on_close(socket.fd(), true);
    return socket;
  } catch (const Error& error) {
    const bool no_mptcp = error.number() == EPROTONOSUPPORT || error.number() == ENOPROTOOPT;
    if (!options.mptcp || !no_mptcp) throw;
    throw about("mptcp", Error(error.number(), "the kernel has no MPTCP, or net.mptcp.enabled is 0"));
  }
}

void prepare_dialing(Socket& socket, const Address& address, const StreamOptions& options) {
  prepare_new(socket, address.family(), options);
  // Before connect(2): a connection that begins under bbr stays paced, whatever algorithm it gets later.
  if (address.is_loopback() && !names_congestion(options)) use_reno(socket.fd());
  apply(socket.fd(), options.settings, Phase::dialing);
}

std::unique_ptr<SocketFile> bind_source(Socket& socket, const Address& source) {
  if (is_internet(source.family())) {
    // Connections that leave from one address can share its ports, a port for each peer. Not every kernel has
    // it for MPTCP.
    if (source.port() == 0)
      try_option(socket.fd(), "IP_BIND_ADDRESS_NO_PORT", "on");
    else
      set_option(socket.fd(), "SO_REUSEADDR", "on");  // connections of a moment ago are in TIME_WAIT
  }
  return bind_with_file(socket, source);
}

void prepare_listening(Socket& socket, const Address& address, const StreamOptions& options) {
  prepare_new(socket, address.family(), options);
  if (address.is_loopback() && !names_congestion(options)) use_reno(socket.fd());
  apply(socket.fd(), options.settings, Phase::connected);
  apply(socket.fd(), options.settings, Phase::listening);
}

void prepare_connected(int socket, const StreamOptions& options) {
  const auto peer = peer_address(socket);
  if (options.resets_on_close && is_internet(peer.family())) set_reset_on_close(socket, true);
  prefer_reno_on_this_host(socket, peer, options);
  apply(socket, options.settings, Phase::connected);
}

void prefer_reno_on_this_host(int socket, const Address& peer, const StreamOptions& options) {
  if (!is_internet(peer.family()) || names_congestion(options)) return;
  if (peer.is_loopback() || local_address(socket).host() == peer.host()) use_reno(socket);
}

}  // namespace sockx

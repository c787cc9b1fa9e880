// scan(): which ports of a host are open.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "net/stream/dial.hpp"
#include "net/stream/port_state.hpp"

namespace sockx {

/// The result for one port.
struct PortResult {
  Address address;  // the one that connected, or else the first that failed; not known behind a proxy
  PortState state = PortState::failed;
  int error = 0;       // the errno, where there was one
  std::string reason;  // empty for an open port
  Duration span{};
  std::optional<HostPort> target = {};  // what a proxy was asked for
  std::string reply = {};               // of a proxy that refused

  std::string host() const;
  std::uint32_t port() const { return target ? target->port : address.port(); }
  /// "192.0.2.7:22", "example.com:22", or an address of another kind.
  std::string to_string() const { return target ? Endpoint{*target}.to_string() : address.to_string(); }
};

/// What a failure to connect by proxies says of the target; nothing if it says nothing about it. `was_asked`
/// is whether a proxy had been reached.
std::optional<PortResult> result_behind_proxy(const std::exception_ptr& thrown, const HostPort& target,
                                              bool was_asked, Duration span);

/// Not every port that was asked for is open: "scan 192.0.2.7: 2 of 3 ports are not open".
class NotOpen : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct ScanOptions {
  StreamOptions stream;
  ProxyRoute route;
  std::vector<std::uint16_t> ports;
  Duration timeout = std::chrono::seconds(5);  // for the look-up, and for each port
  std::size_t parallel = 1;                    // ports at a time; fewer when descriptors run out
  std::function<void(const PortResult&)> tell = [](const PortResult&) {};
};

/// How many sockets this process can still open within its soft RLIMIT_NOFILE, some left for other needs.
std::size_t affordable_sockets();

/// The words of what to scan: HOST PORTS, HOST:PORTS or [V6]:PORTS.
struct ScanTarget {
  std::string host;
  std::vector<std::uint16_t> ports;
  /// Throws BadInput, which quotes what is wrong.
  static ScanTarget parse(const std::vector<std::string>& words);
};

/// Resolves the host once and then tries to connect to each port, as dial() does; each is told as soon as it
/// is known. Throws ResolveError, TimedOut for the look-up, and Error when there is no descriptor for even
/// one attempt. Where there are proxies, throws what says nothing about a port: that the first proxy cannot
/// be reached, or that it is none.
Task<> scan(std::string host, ScanOptions options);

}  // namespace sockx

// The sockets of nc: look-ups, options, source, connect and listen, with nc's messages.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "flow/task.hpp"
#include "net/socket.hpp"
#include "net/stream/connection.hpp"
#include "net/stream/listen.hpp"
#include "personalities/nc_run.hpp"

namespace sockx {

/// The addresses of a client's host, with port 0. Throws NcFailure.
Task<std::vector<Address>> nc_host_addresses(NcRun& run, std::string host, std::string port, int type);

/// Throws NcFailure for an option that the kernel refuses.
StreamOptions nc_stream_options(const NcOptions& options, int family);

/// -s and -p, for sockets of the family; nothing without them. Throws NcFailure.
Task<std::optional<Address>> nc_source(NcRun& run, int family);

/// What has become of an attempt to connect to a port.
struct NcAttempt {
  std::optional<Connection> connection;
  std::string address;              // numeric, of the connection
  std::vector<std::string> failed;  // with -v: a message for each address that did not answer
};
/// Tries the addresses one after the other. Throws NcFailure for what ends the run.
Task<NcAttempt> nc_connect(NcRun& run, const std::vector<Address>& addresses, std::uint16_t port);
/// The same by a proxy. `addresses` are the proxy's.
Task<NcAttempt> nc_connect_by_proxy(NcRun& run, const std::vector<Address>& addresses, std::uint16_t port);

/// A datagram socket that is connected to the port; none if no address can be connected to. The address is
/// noted in `address`, and with -v the failures are told. Throws NcFailure.
Task<Socket> nc_connect_datagrams(NcRun& run, const std::vector<Address>& addresses, std::uint16_t port,
                                  std::string& address);

/// "connect to localhost (127.0.0.1) port 7900 (tcp) failed: Connection refused"; `host` are the words up to
/// the port.
std::string nc_connect_failure(const NcOptions& options, const std::string& host, const Address& address,
                               int error, bool has_timed_out);

/// A socket that is bound as -l, -s and -p say, and listens unless it is for datagrams. Throws NcFailure.
Task<Socket> nc_bind(NcRun& run);
/// A socket that is bound to the unix name. What is at the path is removed: a socket, also one in use, a
/// symbolic link, without regard to what it points to, a FIFO, and an empty file. Anything else stays, and
/// the name is in use then. Throws NcFailure.
Socket nc_bind_unix(const std::string& name, int type);

}  // namespace sockx

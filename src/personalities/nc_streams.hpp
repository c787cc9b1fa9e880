// nc over streams: TCP and unix sockets, as client and as server.
#pragma once

#include "flow/task.hpp"
#include "personalities/nc_run.hpp"

namespace sockx {

/// Connects to each port, and converses with it unless -z or -F says otherwise.
Task<> run_nc_client(NcRun& run);
Task<> run_nc_unix_client(NcRun& run);
/// Converses with the first client; with -k with one after the other.
Task<> run_nc_server(NcRun& run);

/// -F: passes the socket on through standard output.
Task<> pass_nc_socket(int socket);

/// The ports of a client in the order in which they are tried.
std::vector<std::uint16_t> nc_ports(const NcOptions& options);
/// "Connection to localhost (127.0.0.1) 22 port [tcp/ssh] succeeded!", with -v.
void tell_nc_connection(const NcRun& run, const std::string& address, std::uint16_t port);

}  // namespace sockx

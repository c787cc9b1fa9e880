// nc over datagrams: UDP and unix sockets, as client and as server.
#pragma once

#include "flow/task.hpp"
#include "personalities/nc_run.hpp"

namespace sockx {

/// Connects to each port; with -v it is probed. Each read(2) of the input is a datagram.
Task<> run_nc_datagram_client(NcRun& run);
Task<> run_nc_unix_datagram_client(NcRun& run);
/// Converses with the peer of the first datagram; with -k it receives from all.
Task<> run_nc_datagram_server(NcRun& run);

}  // namespace sockx

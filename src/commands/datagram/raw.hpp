// sockx raw: IP packets of a protocol; the input is their payload, or all of the packet.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/command.hpp"
#include "cli/time_limits.hpp"
#include "commands/datagram/datagram_flags.hpp"
#include "commands/datagram/datagram_output.hpp"
#include "datagram/exchange.hpp"
#include "net/datagram/raw_socket.hpp"

namespace sockx {

struct RawOptions {
  std::string host;  // the host to send to; empty: packets from all hosts are shown
  RawSocketOptions raw;
  ExchangeOptions exchange;
  std::optional<std::uint64_t> datagrams;
  std::optional<DatagramFormat> format;
  TimeLimits limits;
};

void declare(Flags& flags, RawOptions& options);
/// Throws what ends the command.
ExitCode run(Context& context, const RawOptions& options);

}  // namespace sockx

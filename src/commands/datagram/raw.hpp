// sockx raw: IP packets of a protocol, their payload or all of them made by hand.
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
  std::string host;  // whom to send to; empty: packets of everybody are shown
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

// sockx udp: exchange datagrams with one peer, or, listening, with all senders.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/command.hpp"
#include "cli/time_limits.hpp"
#include "commands/datagram/datagram_output.hpp"
#include "commands/datagram/load.hpp"
#include "datagram/exchange.hpp"
#include "net/address/endpoint.hpp"
#include "net/datagram/datagram_socket.hpp"
#include "net/stream/access_list.hpp"
#include "serve/program.hpp"

namespace sockx {

struct UdpOptions {
  Endpoint endpoint;
  bool listens = false;
  std::string port_file;
  DatagramOptions socket;
  ExchangeOptions exchange;
  std::optional<std::uint64_t> datagrams;
  std::optional<DatagramFormat> format;
  LoadOptions load;
  AccessSources access;
  bool limits_answers = false;                 // --answer-rate is given
  ProgramCall program;                         // for each peer
  std::optional<std::uint64_t> most_programs;  // at once
  TimeLimits limits;
};

void declare(Flags& flags, UdpOptions& options);
/// Throws what ends the command.
ExitCode run(Context& context, const UdpOptions& options);

}  // namespace sockx

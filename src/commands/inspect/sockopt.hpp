// sockx sockopt: the options of a new socket, of an inherited one, of a connection, or of a running
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "commands/inspect/inspected_socket.hpp"

namespace sockx {

struct SockoptOptions {
  std::vector<std::string> words;
  InspectedSocketOptions socket;
  std::optional<std::size_t> raw;
};

void declare(Flags& flags, SockoptOptions& options);
/// Throws what ends the command.
ExitCode run(Context& context, const SockoptOptions& options);

}  // namespace sockx

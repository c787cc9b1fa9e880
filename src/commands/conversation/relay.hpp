// sockx relay: join any two ends.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/command.hpp"
#include "cli/time_limits.hpp"
#include "commands/ends/end_kind.hpp"
#include "commands/serving/hosting.hpp"
#include "flow/relay.hpp"
#include "net/stream/stream_options.hpp"
#include "serve/program.hpp"

namespace sockx {

struct RelayOptions {
  std::string first_word, second_word;
  ParsedEnd first, second;
  ProgramCall program;  // of `exec`
  StreamOptions stream;
  ProxyFlags proxy;                              // on the way to the ends that are hosts
  std::optional<ProxyHeaderVersion> send_proxy;  // to the second end
  TimeLimits limits;
  HostingOptions hosting;  // where the first end listens
  std::string port_file;

  std::optional<Until> until;  // local is the first end, peer the second
  std::optional<Duration> eof_timeout;
  std::optional<std::uint64_t> rate;  // bytes a second, in each direction
  bool crlf = false;                  // from the first end to the second
  std::string hexdump;                // a file, or "-" for standard error
  std::string tee_a, tee_b;           // what the first end says, and the second
};

void declare(Flags& flags, RelayOptions& options);
/// Throws what ends the command.
ExitCode run(Context& context, const RelayOptions& options);

}  // namespace sockx

// sockx resolve: names to addresses and back, services and protocols; one word, or thousands.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "commands/inspect/name_lookup.hpp"
#include "flow/clock.hpp"

namespace sockx {

struct ResolveOptions {
  std::vector<std::string> words;
  Question question = Question::addresses;
  bool host_name = false;
  int family = AF_UNSPEC;
  int flags = 0;
  std::optional<Duration> timeout, deadline;
  std::uint64_t parallel = 32;
};

void declare(Flags& flags, ResolveOptions& options);
/// Throws what ends the command.
ExitCode run(Context& context, const ResolveOptions& options);

}  // namespace sockx

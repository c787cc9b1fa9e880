#include "cli/time_limits.hpp"

#include <cstdlib>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/flags.hpp"

namespace sockx {

namespace {

std::optional<Duration> timeout_from_environment() {
  const char* const word = std::getenv("SOCKX_TIMEOUT");
  if (word == nullptr || *word == '\0') return {};
  try {
    return parse_duration(word);
  } catch (const BadInput& error) {
    throw BadInput(text("SOCKX_TIMEOUT: {}", error.what()));
  }
}

}  // namespace

void add_connect_timeout(Flags& flags, TimeLimits& limits, const std::string& names) {
  limits.connect = timeout_from_environment();
  flags.add_duration(names, limits.connect, "give up connecting after DURATION");
}

void add_accept_timeout(Flags& flags, TimeLimits& limits) {
  flags.add_duration("--accept-timeout", limits.accept, "give up waiting for a connection after DURATION");
}

void add_idle_timeout_and_deadline(Flags& flags, TimeLimits& limits) {
  limits.idle = timeout_from_environment();
  flags.add_duration("--idle-timeout", limits.idle,
                     "give up when no byte has moved in either direction for DURATION");
  flags.add_duration("--deadline", limits.whole_run, "give up when the whole run has taken DURATION");
}

}  // namespace sockx

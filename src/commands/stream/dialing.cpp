#include "commands/stream/dialing.hpp"

#include "base/text.hpp"
#include "cli/flags.hpp"
#include "cli/progress.hpp"

namespace sockx {

void add_retry_flags(Flags& flags, RetryOptions& target) {
  flags.add_number("--retry", target.retries, 0U, 1000000000U, "try N more times when connecting fails");
  flags.add_duration(
      "--retry-delay", target.delay,
      "wait DURATION before the second attempt, and longer before later ones (default: 250ms)");
  flags.add_duration("--wait-for", target.wait_for, "keep trying until DURATION has passed");
}

void log_mptcp(Context& context, const std::string& peer, bool is_used) {
  context.log.debug("{}: {}", peer,
                    is_used ? "MPTCP is in use" : "the peer has no MPTCP, the connection fell back to TCP");
}

DialOptions dial_options(Context& context, const StreamOptions& stream, ProxyRoute route) {
  DialOptions options{stream, std::move(route)};
  options.tell = [&context, mptcp = stream.mptcp](const DialEvent& event) {
    if (!context.log.shows(LogLevel::debug)) return;
    const auto address = event.address.to_string();
    switch (event.kind) {
      case DialEvent::Kind::trying:
        return context.log.debug("trying {}", address);
      case DialEvent::Kind::failed:
        return context.log.debug("{}: {}", address, event.reason);
      case DialEvent::Kind::connected:
        context.log.debug("{} has accepted", address);
        if (mptcp) log_mptcp(context, address, event.uses_mptcp);
        return;
      case DialEvent::Kind::asking_proxy:
      case DialEvent::Kind::asked_proxy:
        return context.log.debug("{}", event.reason);
    }
  };
  return options;
}

RedialOptions redial_options(Context& context, const RetryOptions& flags,
                             std::optional<Duration> connect_timeout) {
  if (flags.delay && !flags.retries && !flags.wait_for)
    throw BadInput("--retry-delay: also say how often, --retry N, or how long, --wait-for DURATION");
  RedialOptions options;
  options.retries = flags.retries;
  options.wait_for = flags.wait_for;
  options.delay = flags.delay.value_or(options.delay);
  options.attempt_timeout = connect_timeout;
  options.tell = [&context](unsigned attempt, const std::string& failure) {
    context.log.debug("attempt {} failed: {}", attempt, failure);
  };
  return options;
}

Task<Connection> redial_visibly(Context& context, Endpoint endpoint, DialOptions dialing, RedialOptions how) {
  auto shown = text("connecting to {}", endpoint.to_string());
  how.tell = [&shown, where = shown, tell = std::move(how.tell)](unsigned attempt,
                                                                 const std::string& failure) {
    tell(attempt, failure);
    const auto colon = failure.rfind(": ");
    const auto reason = colon == std::string::npos ? failure : failure.substr(colon + 2);
    shown = text("{}: attempt {}: {}", where, attempt, reason);
  };
  const WaitingLine line(context, [&shown] { return shown; });
  auto dialed = co_await redial(std::move(endpoint), std::move(dialing), std::move(how));
  co_return dialed;
}

}  // namespace sockx

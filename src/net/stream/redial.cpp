#include "net/stream/redial.hpp"

#include <algorithm>
#include <cerrno>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/address/resolve.hpp"
#include "net/proxy/proxy_refusal.hpp"
#include "net/stream/port_state.hpp"

namespace sockx {

namespace {

constexpr Duration longest_wait_pause = std::chrono::milliseconds(250);  // while a port is waited for

bool may_pass(const Error& error) {
  const bool is_reset =
      error.number() == ECONNRESET || error.number() == ECONNABORTED || error.number() == EPIPE;
  return error.origin() == Origin::peer && (is_reset || port_state(error.number()) != PortState::failed);
}

/// What to say of a failure that may pass; nothing for one that will be the same the next time.
std::optional<std::string> passing_failure(std::exception_ptr thrown, const Endpoint& endpoint,
                                           bool numeric) {
  try {
    std::rethrow_exception(thrown);
  } catch (const Error& error) {
    if (may_pass(error)) return error.what();
  } catch (const TimedOut& error) {
    return error.what();
  } catch (const ProxyRefusal& error) {
    if (error.may_pass()) return error.what();
  } catch (const ResolveError& error) {
    if (!numeric) return text("connect {}: {}", endpoint.to_string(), error.what());
  } catch (...) {
    return {};
  }
  return {};
}

/// When the next attempt begins. The last pause before `limit` is cut, so that one more attempt has some
/// time.
Deadline next_attempt(Duration pause, Deadline limit, Duration shortest_pause) {
  const auto regular = after(pause);
  if (regular < limit) return regular;
  const auto last = limit - shortest_pause;
  return last > Clock::now() ? last : limit;
}

}  // namespace

Duration pause_after(unsigned attempt, const RedialOptions& how) {
  const auto first = std::max<Duration>(how.delay, std::chrono::milliseconds(1));
  const auto longest = how.wait_for ? std::max(first, longest_wait_pause) : 8 * first;
  return std::min(first * (1U << std::min(attempt - 1, 3U)), longest);
}

Task<Connection> redial(Endpoint endpoint, DialOptions options, RedialOptions how) {
  auto& loop = co_await this_loop();
  const bool once = !how.retries && !how.wait_for;
  const auto limit = how.wait_for ? after(*how.wait_for) : never;
  for (unsigned attempt = 1;; ++attempt) {
    options.deadline = std::min(limit, how.attempt_timeout ? after(*how.attempt_timeout) : never);
    std::exception_ptr failure;
    try {
      auto dialed = co_await dial(endpoint, options);
      co_return dialed;
    } catch (...) {
      failure = std::current_exception();
    }
    const auto reason = passing_failure(failure, endpoint, options.stream.numeric);
    if (once || !reason) std::rethrow_exception(failure);
    how.tell(attempt, *reason);
    const bool no_more = how.retries && attempt > *how.retries;
    if (!no_more) {
      co_await loop.sleep_until(next_attempt(pause_after(attempt, how), limit, pause_after(1, how)));
    }
    if (no_more || Clock::now() >= limit)
      throw GivenUp(text("{}; given up after {} attempt{}", *reason, attempt, attempt == 1 ? "" : "s"),
                    failure);
  }
}

}  // namespace sockx

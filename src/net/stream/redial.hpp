// redial(): repeats dial() for a server that is not up yet.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "net/stream/dial.hpp"

namespace sockx {

/// How often and how long to try. With neither `retries` nor `wait_for` there is one attempt.
struct RedialOptions {
  std::optional<unsigned> retries;          // attempts after the first
  std::optional<Duration> wait_for;         // for all of it; every attempt is bounded by what is left
  std::optional<Duration> attempt_timeout;  // for each attempt
  /// Before the second attempt; doubled up to eight times, but with `wait_for` no further than to 250 ms.
  Duration delay = std::chrono::milliseconds(250);
  std::function<void(unsigned attempt, const std::string& failure)> tell = [](unsigned, const std::string&) {
  };
};

/// The failure of all attempts: "connect 127.0.0.1:9: Connection refused; given up after 6
/// attempts".
class GivenUp : public TimedOut {
 public:
  GivenUp(const std::string& what, std::exception_ptr last) : TimedOut(what), last_(std::move(last)) {}
  const std::exception_ptr& last_failure() const { return last_; }

 private:
  std::exception_ptr last_;
};

/// The pause after a failed attempt; attempts are counted from 1.
Duration pause_after(unsigned attempt, const RedialOptions& how);

/// Dials until it succeeds, or has failed as often or as long as `how` says: GivenUp. Only failures that may
/// pass are tried again: a refusal, a time-out, no way to the host, a reset, a name that is not resolved, and
/// a ProxyRefusal that may pass. Throws all else as dial() does, and everything when `how` asks for one
/// attempt. The deadline in `options` is replaced.
Task<Connection> redial(Endpoint endpoint, DialOptions options, RedialOptions how);

}  // namespace sockx

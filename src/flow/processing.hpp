// Processing: what is done with the bytes of one direction in user space; LineDelay.
#pragma once

#include <cstddef>

#include "flow/clock.hpp"
#include "flow/framing.hpp"
#include "flow/stage.hpp"

namespace sockx {

struct Processing {
  Stages stages;
  Duration line_delay{};    // between the end of a line (or record) and the next
  bool delays_end = false;  // the end of the bytes too comes after the delay
  Framing framing;          // for sockets that keep records apart
  std::size_t max_record = 1048576;

  /// Whether a stream of bytes has to be read and written for it.
  bool is_needed() const { return !stages.empty() || line_delay != Duration{}; }
};

/// Keeps the line delay.
class LineDelay {
 public:
  explicit LineDelay(Duration delay) : delay_(delay) {}
  bool is_on() const { return delay_ != Duration{}; }
  /// When the next bytes may go: within a line at once.
  Clock::time_point next_line() const { return next_; }
  void wrote(bool to_line_end) {
    if (is_on()) next_ = to_line_end ? Clock::now() + delay_ : Clock::time_point{};
  }

 private:
  Duration delay_;
  Clock::time_point next_{};
};

}  // namespace sockx

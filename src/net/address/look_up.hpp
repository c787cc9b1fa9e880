// look_up(): what blocks in <netdb.h>, without blocking the loop.
#pragma once

#include <string>
#include <utility>

#include "base/text.hpp"
#include "flow/on_thread.hpp"

namespace sockx {

/// Runs one of the functions of net/lookups.hpp on a thread of its own. Throws TimedOut at the deadline; the
/// thread goes on until the C library gives up, and its answer is dropped. `asked` is for the message.
template <class Answer>
Task<Answer> look_up(std::function<Answer()> work, std::string asked, Deadline deadline) {
  std::optional<Answer> answer;
  if (deadline > Clock::now()) {
    answer = co_await on_thread<Answer>(std::move(work), deadline);
  }
  if (!answer) throw TimedOut(text("{}: no answer in time", asked));
  co_return std::move(*answer);
}

}  // namespace sockx

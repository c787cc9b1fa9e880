#include "os/last_chance.hpp"

#include <poll.h>

namespace sockx {

using std::chrono::milliseconds, std::chrono::steady_clock;

bool wait_until_writable(int fd, milliseconds limit) {
  pollfd writable{fd, POLLOUT, 0};
  return poll(&writable, 1, static_cast<int>(limit.count())) > 0;
}

void give_last_chance(int fd, milliseconds limit, const std::function<std::size_t()>& flush) {
  auto until = steady_clock::now() + limit;
  for (auto before = flush(); before > 0;) {
    const auto span = std::chrono::ceil<milliseconds>(until - steady_clock::now());
    if (span <= milliseconds(0)) return;
    const bool goes_on = fd < 0 ? poll(nullptr, 0, 10) == 0 : wait_until_writable(fd, span);
    if (!goes_on) return;
    const auto left = flush();
    if (left < before) until = steady_clock::now() + limit;
    before = left;
  }
}

}  // namespace sockx

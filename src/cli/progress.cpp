#include "cli/progress.hpp"

#include <algorithm>
#include <cstdio>
#include <deque>
#include <string>

#include "cli/units.hpp"
#include "flow/task_group.hpp"
#include "os/text.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

constexpr int bar_width = 24;

/// The line stands while the cursor waits at its beginning, so that whatever is printed next replaces it.
class Line {
 public:
  Line() = default;
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;
  ~Line() { draw(""); }
  void draw(const std::string& shown) { std::fputs(text("\r{}\033[K\r", shown).c_str(), stderr); }
};

std::string bar(std::uint64_t bytes, std::uint64_t total) {
  const double share =
      total == 0 ? 1 : std::min(1.0, static_cast<double>(bytes) / static_cast<double>(total));
  const auto filled = static_cast<std::size_t>(share * bar_width);
  return text("{:3.0f}% [{}{}] ", share * 100, std::string(filled, '#'),
              std::string(bar_width - filled, '-'));
}

}  // namespace

Task<> show_progress(std::function<std::uint64_t()> bytes_so_far, std::optional<std::uint64_t> total) {
  struct Sample {
    Clock::time_point time;
    std::uint64_t bytes;
  };
  auto& loop = co_await this_loop();
  Line line;
  std::deque<Sample> last_second{{Clock::now(), bytes_so_far()}};
  for (;;) {
    co_await loop.sleep_until(after(100ms));
    const Sample now{Clock::now(), bytes_so_far()};
    last_second.push_back(now);
    while (last_second.size() > 2 && now.time - last_second.front().time > 1s) last_second.pop_front();
    const auto& then = last_second.front();
    const double rate = static_cast<double>(now.bytes - then.bytes) / seconds(now.time - then.time);
    std::string shown = total ? bar(now.bytes, *total) : "";
    shown += text("{}, {}", show_size(now.bytes), show_rate(rate));
    if (total && rate > 0 && *total > now.bytes) {
      const std::chrono::duration<double> left(static_cast<double>(*total - now.bytes) / rate);
      shown += text(", {:.0f} s left", left.count());
    }
    line.draw(shown);
  }
}

Task<> with_progress(Context& context, Task<> transfer, std::function<std::uint64_t()> bytes_so_far,
                     std::optional<std::uint64_t> total) {
  std::vector<Task<>> tasks;
  if (context.shows_progress) tasks.push_back(show_progress(std::move(bytes_so_far), total));
  tasks.push_back(std::move(transfer));
  co_await any(std::move(tasks));
}

}  // namespace sockx

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

/// Looks at a counter from time to time.
class Progress {
 public:
  Progress(std::function<std::uint64_t()> bytes_so_far, std::function<std::optional<std::uint64_t>()> total)
      : bytes_so_far_(std::move(bytes_so_far)), total_of_(std::move(total)) {
    look();
  }

  void look() {
    samples_.push_back({Clock::now(), bytes_so_far_()});
    while (samples_.size() > 2 && samples_.back().time - samples_.front().time > 1s) samples_.pop_front();
    total_ = total_of_();
  }

  std::uint64_t bytes() const { return samples_.back().bytes; }
  std::optional<std::uint64_t> total() const { return total_; }
  double rate() const {
    const auto &then = samples_.front(), &now = samples_.back();
    return then.time == now.time
               ? 0
               : static_cast<double>(now.bytes - then.bytes) / seconds(now.time - then.time);
  }
  std::optional<double> seconds_left() const {
    if (!total_ || rate() <= 0 || *total_ < bytes()) return {};
    return static_cast<double>(*total_ - bytes()) / rate();
  }

 private:
  struct Sample {
    Clock::time_point time;
    std::uint64_t bytes;
  };
  std::function<std::uint64_t()> bytes_so_far_;
  std::function<std::optional<std::uint64_t>()> total_of_;
  std::deque<Sample> samples_;  // of the last second
  std::optional<std::uint64_t> total_;
};

std::string bar(std::uint64_t bytes, std::uint64_t total) {
  const double share =
      total == 0 ? 1 : std::min(1.0, static_cast<double>(bytes) / static_cast<double>(total));
  const auto filled = static_cast<std::size_t>(share * bar_width);
  return text("{:3.0f}% [{}{}] ", share * 100, std::string(filled, '#'),
              std::string(bar_width - filled, '-'));
}

Task<> draw_bar(Progress progress) {
  auto& loop = co_await this_loop();
  Line line;
  for (;;) {
    co_await loop.sleep_until(after(100ms));
    progress.look();
    auto shown = progress.total() ? bar(progress.bytes(), *progress.total()) : "";
    shown += text("{}, {}", show_size(progress.bytes()), show_rate(progress.rate()));
    if (const auto left = progress.seconds_left()) shown += text(", {:.0f} s left", *left);
    line.draw(shown);
  }
}

Task<> emit_events(Report& report, Progress progress) {
  auto& loop = co_await this_loop();
  for (;;) {
    co_await loop.sleep_until(after(1s));
    progress.look();
    std::vector<Field> fields{{"bytes", progress.bytes()}, {"bytes_per_second", progress.rate()}};
    if (progress.total()) fields.push_back({"total", *progress.total()});
    if (const auto left = progress.seconds_left()) fields.push_back({"seconds_left", *left});
    report.diagnostic("progress", fields, "");
  }
}

}  // namespace

Task<> with_progress(Context& context, Task<> transfer, std::function<std::uint64_t()> bytes_so_far,
                     std::function<std::optional<std::uint64_t>()> total) {
  std::vector<Task<>> tasks;
  if (context.shows_progress) tasks.push_back(draw_bar({bytes_so_far, total}));
  if (context.report.has_events()) tasks.push_back(emit_events(context.report, {bytes_so_far, total}));
  tasks.push_back(std::move(transfer));
  co_await any(std::move(tasks));
}

}  // namespace sockx

#include "cli/progress.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>

#include "cli/units.hpp"
#include "os/text.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

constexpr int bar_width = 24;

std::string_view name_of(Phase phase) {
  constexpr std::array names{"listening", "connecting", "resuming", "sending",
                             "receiving", "finishing",  "waiting"};
  return names.at(static_cast<std::size_t>(phase));
}

/// Whether there is no connection yet.
bool is_before_transfer(Phase phase) { return phase == Phase::listening || phase == Phase::connecting; }

std::string words_of(const ProgressState& state) {
  switch (state.phase) {
    case Phase::listening:
      return text("waiting for a connection on {}", state.where);
    case Phase::connecting:
      return text("connecting to {}", state.where);
    case Phase::resuming:
      return text("looking at what there is of {}", state.file);
    case Phase::sending:
      return text("sending {} to {}", state.file, state.where);
    case Phase::receiving:
      return text("receiving {} from {}", state.file, state.where);
    case Phase::finishing:
      return text("waiting until {} closes", state.where);
    case Phase::waiting:
      return text("waiting for more from {}, or for its end", state.where);
  }
  return "";
}

double share_of(const ProgressState& state, std::uint64_t total) {
  return total == 0 ? 1 : std::min(1.0, static_cast<double>(state.bytes) / static_cast<double>(total));
}

/// "143.05 MiB, 346.95 MB/s, 1 s left"
std::string amount(const Meter& meter) {
  const auto& state = meter.state();
  auto shown = text("{}, {}", show_size(state.bytes), show_rate(meter.rate()));
  if (state.files_total > 1U) shown += text(", {} of {} files", state.files.value_or(0), *state.files_total);
  if (const auto left = meter.seconds_left()) shown += text(", {:.0f} s left", *left);
  return shown;
}

std::string bar(const Meter& meter) {
  const auto& state = meter.state();
  if (is_before_transfer(state.phase)) return words_of(state);
  std::string shown;
  if (state.total) {
    const double share = share_of(state, *state.total);
    const auto filled = static_cast<std::size_t>(share * bar_width);
    shown =
        text("{:3.0f}% [{}{}] ", share * 100, std::string(filled, '#'), std::string(bar_width - filled, '-'));
  }
  shown += amount(meter);
  const auto phase = state.phase;
  if (phase == Phase::finishing || phase == Phase::resuming || phase == Phase::waiting)
    shown += ", " + words_of(state);
  return shown;
}

/// The line stands while the cursor waits at its beginning, so that whatever is printed next replaces it.
class Line {
 public:
  Line() = default;
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;
  ~Line() { wipe(); }
  void draw(const std::string& shown) { std::fputs(text("\r{}\033[K\r", one_line(shown)).c_str(), stderr); }
  static void wipe() { std::fputs("\r\033[K", stderr); }
};

Task<> draw_bar(Meter& meter) {
  auto& loop = co_await this_loop();
  Line line;
  for (;;) {
    co_await loop.sleep_until(after(100ms));
    meter.look_again();
    line.draw(bar(meter));
  }
}

Task<> emit_events(Report& report, Meter& meter) {
  auto& loop = co_await this_loop();
  for (;;) {
    co_await loop.sleep_until(after(1s));
    meter.look_again();
    report.diagnostic("progress", progress_fields(meter), "");
  }
}

}  // namespace

void Meter::look_again() {
  state_ = look_();
  samples_.push_back({Clock::now(), state_.bytes});
  while (samples_.size() > 2 && samples_.back().time - samples_[1].time >= 1s) samples_.pop_front();
}

double Meter::rate() const {
  const auto &then = samples_.front(), &now = samples_.back();
  return then.time == now.time ? 0
                               : static_cast<double>(now.bytes - then.bytes) / seconds(now.time - then.time);
}

std::optional<double> Meter::seconds_left() const {
  if (!state_.total || rate() <= 0 || *state_.total < state_.bytes) return {};
  return static_cast<double>(*state_.total - state_.bytes) / rate();
}

std::string progress_line(const Meter& meter) {
  const auto& state = meter.state();
  auto line = words_of(state);
  if (!is_before_transfer(state.phase)) {
    line += ": ";
    if (state.total) line += text("{:.0f}%, ", share_of(state, *state.total) * 100);
    line += amount(meter);
  }
  return one_line(std::move(line));
}

std::vector<Field> progress_fields(const Meter& meter) {
  const auto& state = meter.state();
  std::vector<Field> fields{{"schema", 1}, {"phase", std::string(name_of(state.phase))}};
  fields.push_back({state.phase == Phase::listening ? "address" : "peer", state.where});
  if (!state.file.empty()) fields.push_back({"file", state.file});
  fields.push_back({"bytes", state.bytes});
  if (state.total) fields.push_back({"total", *state.total});
  if (state.files) fields.push_back({"files", *state.files});
  if (state.files_total) fields.push_back({"files_total", *state.files_total});
  fields.push_back({"bytes_per_second", meter.rate()});
  if (const auto left = meter.seconds_left()) fields.push_back({"seconds_left", *left});
  return fields;
}

ProgressBoard::ProgressBoard(Context& context) : context_(context) { survive_signal(SIGUSR1); }

void ProgressBoard::run(Task<> task, std::optional<Duration> deadline) {
  const auto heed_signal = [this](int signal) { return heed(signal); };
  context_.run(std::move(task), deadline, heed_signal, {.repeatable = SIGUSR1});
}

bool ProgressBoard::heed(int signal) {
  if (signal != SIGUSR1) return false;
  for (auto* const meter : shown_) {
    meter->look_again();
    tell(*meter);
  }
  if (shown_.empty() && idle_) tell(Meter(idle_));
  return true;
}

void ProgressBoard::tell(const Meter& meter) {
  if (context_.shows_progress) Line::wipe();
  context_.report.diagnostic("progress", progress_fields(meter), progress_line(meter));
}

Progress::Progress(ProgressBoard& board, Look look)
    : board_(board),
      meter_(std::move(look)),
      place_(board.shown_.insert(board.shown_.end(), &meter_)),
      tasks_(board.context_.loop()) {
  auto& context = board.context_;
  if (context.shows_progress) tasks_.spawn(draw_bar(meter_));
  if (context.report.has_events()) tasks_.spawn(emit_events(context.report, meter_));
}

}  // namespace sockx

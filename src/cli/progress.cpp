#include "cli/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

#include "base/non_copyable.hpp"
#include "base/text.hpp"
#include "cli/flags.hpp"
#include "cli/units.hpp"
#include "os/terminal.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t usual_columns = 80;  // if the terminal does not tell
constexpr std::size_t most_columns = 120;  // that are used
constexpr std::size_t least_bar = 8;

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
      return text("checking what has arrived of {}", state.file);
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

/// "143.05 MiB", "346.95 MB/s", "1 of 3 files", "1 s left".
struct Amount {
  std::string size, rate, files, time_left;

  explicit Amount(const ProgressMeter& meter)
      : size(show_size(meter.state().bytes)), rate(show_rate(meter.rate())) {
    const auto& state = meter.state();
    if (state.files_total > 1U) files = text("{} of {} files", state.files.value_or(0), *state.files_total);
    if (const auto left = meter.seconds_left()) time_left = text("{:.0f} s left", *left);
  }
};

/// The parts that are not empty, separated by commas.
std::string joined_parts(std::vector<std::string_view> parts) {
  std::erase(parts, "");
  return joined(parts);
}

/// The longest text for beside the bar that fits into `columns`.
std::string beside_bar(const ProgressMeter& meter, std::size_t columns) {
  const auto& state = meter.state();
  const Amount amount(meter);
  const bool is_at_its_end =
      state.phase == Phase::finishing || state.phase == Phase::resuming || state.phase == Phase::waiting;
  const auto words = is_at_its_end ? words_of(state) : "";
  for (const auto& shown : {joined_parts({amount.size, amount.rate, amount.files, amount.time_left, words}),
                            joined_parts({words.empty() ? amount.size : "", words.empty() ? amount.rate : "",
                                          words.empty() ? amount.time_left : "", words}),
                            joined_parts({amount.size, amount.rate, amount.time_left}),
                            joined_parts({amount.size, amount.rate}), amount.size})
    if (shown.size() <= columns) return shown;
  return "";
}

/// The width of the bar does not depend on the numbers beside it.
std::size_t bar_width(std::size_t columns) {
  for (const std::size_t beside :
       {std::size_t{40}, std::size_t{26}, std::size_t{12}})  // size, rate and time; size and rate; size
    if (columns >= least_bar + beside) return columns - beside;
  return columns;
}

/// A row of the terminal. The cursor is left at its beginning, so that the next output replaces it.
class Line : NonCopyable {
 public:
  explicit Line(Report& report) : report_(report) {}
  ~Line() { wipe(report_); }
  /// A terminal that has become narrower may have wrapped the row.
  void draw(const std::function<std::string(std::size_t columns)>& words) {
    const auto columns = terminal_columns(STDERR_FILENO).value_or(usual_columns);
    if (columns < std::exchange(columns_, columns)) report_.draw("\r\033[J");
    const auto usable = std::min(columns - 1, most_columns);
    report_.draw(text("\r{}\033[K\r", fitted(one_line(words(usable)), usable)));
  }
  static void wipe(Report& report) { report.draw("\r\033[K"); }

 private:
  Report& report_;
  std::size_t columns_ = 0;
};

Task<> draw_bar(Report& report, ProgressMeter& meter) {
  auto& loop = co_await this_loop();
  Line line(report);
  for (;;) {
    co_await loop.sleep_until(after(100ms));
    meter.look_again();
    line.draw([&](std::size_t columns) { return progress_bar(meter, columns); });
  }
}

Task<> draw_words(Report& report, const std::function<std::string()>& words) {
  auto& loop = co_await this_loop();
  co_await loop.sleep_until(after(1s));
  Line line(report);
  for (;;) {
    line.draw([&](std::size_t) { return words(); });
    co_await loop.sleep_until(after(100ms));
  }
}

Task<> emit_events(Report& report, ProgressMeter& meter) {
  auto& loop = co_await this_loop();
  for (;;) {
    co_await loop.sleep_until(after(1s));
    meter.look_again();
    report.diagnostic("progress", progress_fields(meter), "");
  }
}

}  // namespace

void ProgressMeter::look_again() {
  state_ = look_();
  samples_.push_back({Clock::now(), state_.bytes});
  while (samples_.size() > 2 && samples_.back().time - samples_[1].time >= 1s) samples_.pop_front();
}

double ProgressMeter::rate() const {
  const auto &then = samples_.front(), &now = samples_.back();
  return then.time == now.time ? 0
                               : static_cast<double>(now.bytes - then.bytes) / seconds(now.time - then.time);
}

std::optional<double> ProgressMeter::seconds_left() const {
  if (!state_.total || rate() <= 0 || *state_.total < state_.bytes) return {};
  return static_cast<double>(*state_.total - state_.bytes) / rate();
}

std::string progress_bar(const ProgressMeter& meter, std::size_t columns) {
  const auto& state = meter.state();
  if (is_before_transfer(state.phase)) return words_of(state);
  if (!state.total) return beside_bar(meter, columns);
  const auto percent = text("{:3.0f}% ", share_of(state, *state.total) * 100);
  const auto framed = percent.size() + 2;  // the brackets
  if (columns < framed + least_bar) return percent.substr(0, percent.size() - 1);
  const auto width = bar_width(columns - framed);
  const auto filled = static_cast<std::size_t>(share_of(state, *state.total) * static_cast<double>(width));
  const auto shown = text("{}[{}{}]", percent, std::string(filled, '#'), std::string(width - filled, '-'));
  const auto beside = columns > shown.size() ? beside_bar(meter, columns - shown.size() - 1) : "";
  return beside.empty() ? shown : text("{} {}", shown, beside);
}

std::string progress_line(const ProgressMeter& meter) {
  const auto& state = meter.state();
  auto line = words_of(state);
  if (!is_before_transfer(state.phase)) {
    line += ": ";
    if (state.total) line += text("{:.0f}%, ", share_of(state, *state.total) * 100);
    const Amount amount(meter);
    line += joined_parts({amount.size, amount.rate, amount.files, amount.time_left});
  }
  return one_line(std::move(line));
}

std::vector<Field> progress_fields(const ProgressMeter& meter) {
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

void add_progress_flags(Flags& flags, ProgressOptions& target) {
  const auto always = flags.add_flag("--progress", target.always,
                                     "show a progress bar, even if standard error is not a terminal");
  flags.add_flag("--no-progress", target.never, "show no progress bar").excludes(always);
}

WaitingLine::WaitingLine(Context& context, std::function<std::string()> words)
    : words_(std::move(words)), tasks_(context.loop()) {
  if (context.shows_progress) tasks_.spawn(draw_words(context.report, words_));
}

ProgressBoard::ProgressBoard(Context& context) : context_(context) { survive_signal(SIGUSR1); }

void ProgressBoard::run(Task<> task, std::optional<Duration> deadline,
                        const Context::SignalHandler& handle_others, SignalCatcher::Rules signals) {
  signals.repeatable.push_back(SIGUSR1);
  const auto handle_all = [&](int signal) {
    return handle_signal(signal) || (handle_others && handle_others(signal));
  };
  context_.run(std::move(task), deadline, handle_all, std::move(signals));
}

bool ProgressBoard::handle_signal(int signal) {
  if (signal != SIGUSR1) return false;
  for (auto* const meter : shown_) {
    meter->look_again();
    tell(*meter);
  }
  if (shown_.empty() && idle_) tell(ProgressMeter(idle_));
  return true;
}

void ProgressBoard::tell(const ProgressMeter& meter) {
  if (context_.shows_progress) Line::wipe(context_.report);
  context_.report.diagnostic("progress", progress_fields(meter), progress_line(meter));
}

Progress::Progress(ProgressBoard& board, Look look)
    : board_(board),
      meter_(std::move(look)),
      place_(board.shown_.insert(board.shown_.end(), &meter_)),
      tasks_(board.context_.loop()) {
  auto& context = board.context_;
  if (context.shows_progress) tasks_.spawn(draw_bar(context.report, meter_));
  if (context.report.has_events()) tasks_.spawn(emit_events(context.report, meter_));
}

}  // namespace sockx

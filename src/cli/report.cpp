#include "cli/report.hpp"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/unsafe_text.hpp"
#include "cli/exit_code.hpp"
#include "os/output_file.hpp"
#include "os/signals.hpp"

namespace sockx {

namespace {

/// A character as JSON writes it in ASCII: beyond U+FFFF as two surrogates.
std::string json_escape(std::string_view character) {
  const char32_t point = code_point(character);
  if (point < 0x10000) return text("\\u{:04x}", static_cast<std::uint32_t>(point));
  const auto rest = static_cast<std::uint32_t>(point) - 0x10000;
  return text("\\u{:04x}\\u{:04x}", 0xd800 + (rest >> 10U), 0xdc00 + (rest & 0x3ffU));
}

/// The same JSON, with \u escapes for what a terminal may obey. Outside of strings JSON has nothing of that.
std::string without_unsafe(std::string_view json) { return transform_unsafe(json, json_escape); }

}  // namespace

std::string json_line(std::string_view event, const std::vector<Field>& fields, std::string_view time) {
  nlohmann::ordered_json object{{"event", event}};
  if (!time.empty()) object["time"] = time;
  for (const auto& field : fields) {
    const auto set = [&](const auto& plain) {
      if constexpr (std::is_same_v<std::decay_t<decltype(plain)>, std::monostate>)
        object[field.name] = nullptr;
      else
        object[field.name] = plain;
    };
    std::visit(set, static_cast<const Value::variant&>(field.value));
  }
  // A name on the network need not be UTF-8; a replacement character is better than no line.
  return without_unsafe(object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

std::string shortened(const std::string& message) {
  constexpr std::size_t most = 1000, kept = 200;
  if (message.size() <= most) return message;
  return text("{} [{} bytes left out] {}", message.substr(0, kept), message.size() - 2 * kept,
              message.substr(message.size() - kept));
}

std::string dropped_lines(std::uint64_t count) {
  return text("{} {} dropped: nobody has read them in time", count, count == 1 ? "line" : "lines");
}

namespace {

/// "2026-11-20T20:31:40.123456Z"
std::string utc_now() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  gmtime_r(&now.tv_sec, &parts);
  return text("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", parts.tm_year + 1900, parts.tm_mon + 1,
              parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, now.tv_nsec / 1000);
}

std::string line_of(const Failure& failure) { return "sockx: " + one_line(shortened(failure.message)); }

std::vector<Field> fields_of(const Failure& failure) {
  std::vector<Field> fields{{"status", static_cast<int>(failure.status)}, {"message", failure.message}};
  if (failure.error != 0) fields.push_back({"errno", failure.error});
  if (!failure.name.empty()) fields.push_back({"error", failure.name});
  return fields;
}

}  // namespace

std::string plain_text(const Value& value) {
  const auto show = [](const auto& plain) -> std::string {
    using Plain = std::decay_t<decltype(plain)>;
    std::string shown;
    if constexpr (std::is_same_v<Plain, std::string>)
      shown = plain;
    else if constexpr (std::is_same_v<Plain, std::vector<std::string>>)
      shown = joined(plain, " ");
    else if constexpr (!std::is_same_v<Plain, std::monostate>)
      shown = text("{}", plain);
    return shown;
  };
  return std::visit(show, static_cast<const Value::variant&>(value));
}

Report::Report(const Options& options)
    : options_(options),
      output_(outputs_.emplace_back(
          STDOUT_FILENO, LineOutput::Tell{[this](std::uint64_t lines) { return event_dropped(lines); },
                                          [this](int error) { fail(error); }})),
      errors_(outputs_.emplace_back(STDERR_FILENO, LineOutput::Tell{[this](std::uint64_t lines) {
                                      return options_.json ? event_dropped(lines)
                                                           : "sockx: warning: " + dropped_lines(lines);
                                    }})),
      results_(&output_) {
  if (options_.events_file.empty()) return;
  events_ = &open_file(options_.events_file, [this](std::uint64_t lines) { return event_dropped(lines); });
  events_->truncate();
}

LineOutput& Report::open_file(const std::string& path, std::function<std::string(std::uint64_t)> dropped) {
  const auto fail = [this, path](int error) {
    const auto reason = Error(error, text("write {}", path), Origin::local_file);
    if (lost_) lost_(error == ENXIO ? text("write {}: nobody reads this FIFO", path) : reason.what());
  };
  return outputs_.emplace_back(path, LineOutput::Tell{std::move(dropped), fail});
}

void Report::result(const std::string& line, std::string_view name, const std::vector<Field>& fields) {
  put_event(name, fields, true);
  if (options_.json || options_.quiet) return;
  results_->put_and_keep(several_lines(line));
  if (results_ == &output_) wait_for_standard_output();
}

void Report::record(std::string_view name, const std::vector<Field>& fields) {
  put_event(name, fields, !queues_results_);
  throw_failure();
}

void Report::event(std::string_view name, const std::vector<Field>& fields) {
  put_event(name, fields, false);
}

void Report::put_event(std::string_view name, const std::vector<Field>& fields, bool waits) {
  if (events_ != nullptr) return events_->put(json_line(name, fields, utc_now()));
  if (!options_.json) return;
  const auto line = json_line(name, fields, utc_now());
  if (!waits) return results_->put(line);
  results_->put_and_keep(line);
  if (results_ == &output_) wait_for_standard_output();
}

/// In steps, so that a signal that comes just before one is heard.
bool Report::is_taken(LineOutput& output) const {
  constexpr std::chrono::milliseconds step{100};
  while (!output.flush() || !output.is_written()) {
    const auto now = Clock::now();
    if (now >= deadline_ || signal_that_ends() != 0) return false;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(std::min<Duration>(deadline_ - now, step));
    output.wait(left);
  }
  return true;
}

void Report::wait_for_standard_output() {
  if (queues_results_) return throw_failure();
  const bool is_written = is_taken(output_);
  throw_failure();
  if (is_written) return;
  if (signal_that_ends() != 0) throw Error(EINTR, "write stdout", Origin::standard_output);
  throw TimedOut("write stdout: timed out");
}

void Report::diagnostic(std::string_view name, const std::vector<Field>& fields, const std::string& line) {
  put_diagnostic(name, fields, line, false);
}

void Report::row(std::string_view name, const std::vector<Field>& fields, const std::string& line) {
  put_diagnostic(name, fields, line, true);
}

void Report::put_diagnostic(std::string_view name, const std::vector<Field>& fields, const std::string& line,
                            bool keeps) {
  const auto put = [keeps](LineOutput& output, std::string_view words) {
    keeps ? output.put_and_keep(words) : output.put(words);
  };
  const auto event = has_events() ? json_line(name, fields, utc_now()) : "";
  if (events_ != nullptr) put(*events_, event);
  if (options_.json)
    put(errors_, event);
  else if (!line.empty())
    put(errors_, one_line(line));
}

bool Report::has_caught_up() {
  const bool is_read = errors_.flush();
  return (events_ == nullptr || events_->flush()) && is_read;
}

void Report::failure(const Failure& failure, const std::vector<Field>& about) {
  auto fields = fields_of(failure);
  fields.insert(fields.end(), about.begin(), about.end());
  put_diagnostic("error", fields, line_of(failure), true);
  if (!about.empty()) is_taken(errors_);  // one of several answers
}

void Report::answer(const Failure& failure) {
  put_diagnostic("error", fields_of(failure), options_.quiet ? "" : line_of(failure), true);
}

std::string Report::event_dropped(std::uint64_t lines) const {
  return json_line("dropped", {{"lines", lines}}, utc_now());
}

void Report::fail(int error) {
  failure_ = std::make_exception_ptr(Error(error, "write stdout", Origin::standard_output));
  if (failed_) failed_();
}

void Report::prepare() {
  errors_.prepare();
  results_->prepare();
}

void Report::finish() {
  for (auto& output : outputs_) output.finish();
}

}  // namespace sockx

// The only file that knows spdlog.
#define FMT_HEADER_ONLY
#define SPDLOG_FMT_EXTERNAL
#include "cli/log.hpp"

#include <fcntl.h>
#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "cli/report.hpp"
#include "os/calls.hpp"
#include "os/error.hpp"
#include "os/output_file.hpp"
#include "os/unique_fd.hpp"

namespace sockx {

namespace {

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::trace:
      return spdlog::level::trace;
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warn:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
    case LogLevel::off:
      break;
  }
  return spdlog::level::off;
}

/// spdlog's own opens its file by itself, and makes the folders that are missing. What cannot be written, as
/// on a full disk, is dropped.
class FileSink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  explicit FileSink(UniqueFd file) : file_(std::move(file)) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    std::string_view left(line.data(), line.size());
    while (!left.empty()) {
      const auto written = uninterrupted([&] { return ::write(file_.get(), left.data(), left.size()); });
      if (written <= 0) return;
      left.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  void flush_() override {}

  UniqueFd file_;
};

std::string_view name_of(LogLevel level) {
  const auto view = spdlog::level::to_string_view(level_of(level));
  return {view.data(), view.size()};
}

}  // namespace

LogLevel parse_log_level(const std::string& word) {
  for (const auto level :
       {LogLevel::trace, LogLevel::debug, LogLevel::info, LogLevel::warn, LogLevel::error, LogLevel::off})
    if (spdlog::level::from_str(word) == level_of(level) && (level != LogLevel::off || word == "off"))
      return level;
  if (word == "critical") return LogLevel::error;
  throw BadInput(text("'{}': a log level is trace, debug, info, warn, error or off", word));
}

Log::Log(const Options& options, Report& report) : level_(options.level), report_(report) {
  const auto mode = options.color ? spdlog::color_mode::always : spdlog::color_mode::never;
  terminal_ = std::make_shared<spdlog::logger>(
      "sockx", std::make_shared<spdlog::sinks::ansicolor_stderr_sink_st>(mode));
  terminal_->set_pattern("sockx: %^%l%$: %v");
  terminal_->set_level(spdlog::level::trace);
  if (options.file.empty()) return;
  auto file = open_output(options.file, O_APPEND | O_CREAT);
  if (!file) throw_errno(text("open {}", options.file), Origin::local_file);
  file_ = std::make_shared<spdlog::logger>("sockx", std::make_shared<FileSink>(std::move(file)));
  file_->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %P %l %v");
  file_->set_level(std::min(level_of(LogLevel::info), level_of(options.level)));
}

void Log::put(LogLevel level, const std::string& message) {
  const auto line = one_line(message);  // it may quote words of the peer
  if (file_) file_->log(level_of(level), line);
  if (!shows(level)) return;
  report_.diagnostic("log", {{"level", std::string(name_of(level))}, {"message", message}}, "");
  if (!report_.is_json()) terminal_->log(level_of(level), line);
}

void Log::failure(const std::string& message) {
  if (file_) file_->log(spdlog::level::err, one_line(message));
}

}  // namespace sockx

// The only file that knows spdlog.
#define FMT_HEADER_ONLY
#define SPDLOG_FMT_EXTERNAL
#include "cli/log.hpp"

#include <spdlog/pattern_formatter.h>

#include <algorithm>

#include "base/error.hpp"
#include "cli/report.hpp"

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

std::string_view name_of(LogLevel level) {
  const auto view = spdlog::level::to_string_view(level_of(level));
  return {view.data(), view.size()};
}

constexpr const char* terminal_pattern = "sockx: %^%l%$: %v";
constexpr const char* file_pattern = "%Y-%m-%dT%H:%M:%S.%e%z %P %l %v";

/// The escape sequence for the color of a level.
std::string_view color_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "\033[36m";
    case LogLevel::info:
      return "\033[32m";
    case LogLevel::warn:
      return "\033[33m\033[1m";
    case LogLevel::error:
      return "\033[31m\033[1m";
    case LogLevel::trace:
    case LogLevel::off:
      break;
  }
  return "\033[37m";
}

/// The line of a message, without its end.
std::string formatted(const char* pattern, LogLevel level, const std::string& message,
                      bool has_color = false) {
  spdlog::pattern_formatter formatter(pattern, spdlog::pattern_time_type::local, "");
  const spdlog::details::log_msg words("sockx", level_of(level), message);
  spdlog::memory_buf_t buffer;
  formatter.format(words, buffer);
  std::string line(buffer.data(), buffer.size());
  if (!has_color || words.color_range_end <= words.color_range_start) return line;
  line.insert(words.color_range_end, "\033[m");
  line.insert(words.color_range_start, color_of(level));
  return line;
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

Log::Log(const Options& options, Report& report)
    : level_(options.level),
      file_level_(std::min(LogLevel::info, options.level)),
      has_color_(options.color),
      report_(report) {
  report_.when_lost([this](const std::string& what) { warn("{}: lines are lost", what); });
  if (options.file.empty()) return;
  file_ = &report_.open_file(options.file, [](std::uint64_t count) {
    return formatted(file_pattern, LogLevel::warn, dropped_lines(count));
  });
}

Log::~Log() { report_.when_lost(nullptr); }

void Log::put(LogLevel level, const std::string& message, bool is_shown) {
  const auto words = shortened(message);
  const auto line = one_line(words);  // it may quote what a peer sent
  if (file_ != nullptr && level >= file_level_) file_->put(formatted(file_pattern, level, line));
  if (!is_shown) return;
  report_.diagnostic("log", {{"level", std::string(name_of(level))}, {"message", words}}, "");
  if (!report_.is_json()) report_.say(formatted(terminal_pattern, level, line, has_color_));
}

void Log::failure(const std::string& message) {
  if (file_ != nullptr) file_->put(formatted(file_pattern, LogLevel::error, one_line(shortened(message))));
}

}  // namespace sockx

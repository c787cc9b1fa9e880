// Log: messages about what the program is doing.
#pragma once

#include <string>

#include "base/non_copyable.hpp"
#include "base/text.hpp"

namespace sockx {

class LineOutput;
class Report;

enum class LogLevel { trace, debug, info, warn, error, off };

/// Reads spdlog's names: trace, debug, info, warn(ing), err(or), critical, off. Throws BadInput.
LogLevel parse_log_level(const std::string& word);

/// Lines go to standard error (as events with --json), and from level info on also to a file. They are
/// written without blocking, see Report. The report must outlive the log.
class Log : NonCopyable {
 public:
  struct Options {
    LogLevel level = LogLevel::warn;
    bool color = false;
    std::string file;
  };
  Log(const Options& options, Report& report);
  ~Log();

  bool shows(LogLevel level) const { return level >= level_; }

  template <class... Arguments>
  void debug(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    write(LogLevel::debug, format, std::forward<Arguments>(arguments)...);
  }
  template <class... Arguments>
  void info(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    write(LogLevel::info, format, std::forward<Arguments>(arguments)...);
  }
  template <class... Arguments>
  void warn(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    write(LogLevel::warn, format, std::forward<Arguments>(arguments)...);
  }
  /// At every level but off: what the user needs to go on.
  template <class... Arguments>
  void notice(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    put(LogLevel::info, text(format, std::forward<Arguments>(arguments)...), level_ < LogLevel::error);
  }
  /// Writes the reason of a failure to the file; Report prints it on standard error.
  void failure(const std::string& message);

 private:
  template <class... Arguments>
  void write(LogLevel level, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    if (shows(level) || file_ != nullptr)
      put(level, text(format, std::forward<Arguments>(arguments)...), shows(level));
  }
  void put(LogLevel level, const std::string& message, bool is_shown);

  LogLevel level_, file_level_;
  bool has_color_;
  Report& report_;
  LineOutput* file_ = nullptr;
};

}  // namespace sockx

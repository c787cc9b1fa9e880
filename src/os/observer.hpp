// The observer of system calls: what --trace shows passes here.
#pragma once

#include <cerrno>
#include <functional>
#include <string>
#include <string_view>

#include "base/text.hpp"

namespace sockx {

/// One finished system call, as text for a reader: name(arguments) = result.
struct ObservedCall {
  std::string_view name;
  std::string arguments;
  std::string result;  // "5", "-1 ECONNREFUSED (Connection refused)", "6 (127.0.0.1:40312)"
  bool would_block;    // the call only said "not now"
};
using CallObserver = std::function<void(const ObservedCall&)>;

/// Sets the observer of this thread's calls, null for none; other threads are not observed. Called by app
/// alone, before the first observed call.
void set_call_observer(const CallObserver* observer);
bool calls_are_observed();

/// Tells the observer of a call that has returned `result`, with errno still as the call left it, which this
/// keeps.
void tell_observer(std::string_view name, std::string arguments, long result, const std::string& note);
/// The same for a call whose result is no number with an errno.
void tell_observer(std::string_view name, std::string arguments, std::string result);

/// Tells the observer, if there is one, of a finished call; keeps errno and hands `result` through.
template <class... Arguments>
long observe_call(std::string_view name, long result, fmt::format_string<Arguments...> format,
                  Arguments&&... arguments) {
  if (calls_are_observed()) [[unlikely]] {
    const int saved = errno;
    auto shown = text(format, std::forward<Arguments>(arguments)...);
    errno = saved;
    tell_observer(name, std::move(shown), result, {});
  }
  return result;
}

}  // namespace sockx

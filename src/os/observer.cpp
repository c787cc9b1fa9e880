#include "os/observer.hpp"

#include <cstring>

namespace sockx {

namespace {
// A thread that a call blocks may outlive what app has observed with, and closes what it owns when it ends.
thread_local const CallObserver* observer = nullptr;
}  // namespace

void set_call_observer(const CallObserver* chosen) { observer = chosen; }

bool calls_are_observed() { return observer != nullptr; }

void tell_observer(std::string_view name, std::string arguments, long result, const std::string& note) {
  const int number = errno;
  ObservedCall call{name, std::move(arguments), std::to_string(result), false};
  if (result < 0) {
    call.would_block = number == EAGAIN;
    call.result +=
        text(" {} ({})", strerrorname_np(number) ? strerrorname_np(number) : "?", strerror(number));
  } else if (!note.empty()) {
    call.result += text(" ({})", note);
  }
  (*observer)(call);
  errno = number;
}

void tell_observer(std::string_view name, std::string arguments, std::string result) {
  (*observer)({name, std::move(arguments), std::move(result), false});
}

}  // namespace sockx

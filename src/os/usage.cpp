#include "os/usage.hpp"

#include <sys/resource.h>

namespace sockx {

namespace {
double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}
}  // namespace

Usage Usage::now() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return {seconds(usage.ru_utime), seconds(usage.ru_stime), static_cast<std::uint64_t>(usage.ru_nvcsw),
          static_cast<std::uint64_t>(usage.ru_nivcsw)};
}

Usage operator-(const Usage& end, const Usage& begin) {
  return {end.user - begin.user, end.system - begin.system, end.voluntary_switches - begin.voluntary_switches,
          end.involuntary_switches - begin.involuntary_switches};
}

}  // namespace sockx

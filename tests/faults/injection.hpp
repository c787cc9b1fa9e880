// What every driver of the injector needs: which faults are tried, and what the injector has to report.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <string>
#include <vector>

#include "../support/sockx.hpp"
#include "fault_table.hpp"

namespace test {

constexpr auto run_limit = 60s;  // for what takes some hundredths of a second

/// A program under AddressSanitizer takes a hundred times as long to start and to end. There a thin selection
/// is made, here and nowhere else: the first call of each kind, and of each row of the table the first fault.
inline bool is_tried(unsigned number) { return !is_sanitized() || number == 1; }

inline std::vector<std::string> tried_of(const FaultRow& row) {
  const auto count = is_sanitized() ? std::min<std::size_t>(row.faults.size(), 1) : row.faults.size();
  return {row.faults.begin(), row.faults.begin() + static_cast<std::ptrdiff_t>(count)};
}

/// What the injector writes to.
class InjectorReport {
 public:
  InjectorReport() : file_(memfd_create("report", MFD_CLOEXEC)) { REQUIRE(file_); }
  int fd() const { return file_.get(); }
  std::vector<std::string> lines() const {
    return lines_of(read_file("/proc/self/fd/" + std::to_string(fd())));
  }

 private:
  UniqueFd file_;
};

}  // namespace test

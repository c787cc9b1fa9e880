#include "os/other_process.hpp"

#include <dirent.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "base/text.hpp"
#include "os/observer.hpp"

namespace sockx {

namespace {

/// What ptrace(2) asks for, which holds for descriptors too, as far as this system tells.
std::string permission_needed() {
  std::ifstream file("/proc/sys/kernel/yama/ptrace_scope");
  std::string scope;
  const bool has_yama = static_cast<bool>(std::getline(file, scope));
  return text("it must be of the same user and allow tracing, or CAP_SYS_PTRACE is needed{}",
              has_yama ? text("; kernel.yama.ptrace_scope is {}", scope) : "");
}

[[noreturn]] void fail(const std::string& what) {
  const int number = errno;
  const bool refused = number == EPERM || number == EACCES;
  throw Error(number, refused ? text("{} ({})", what, permission_needed()) : what, Origin::process);
}

}  // namespace

OtherProcess::OtherProcess(pid_t pid) : pid_(pid) {
  const auto fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  observe_call("pidfd_open", fd, "{}, 0", pid);
  const bool is_thread = fd < 0 && (errno == ENOENT || errno == EINVAL);
  if (is_thread) throw Error(errno, text("process {} (that is a thread of one)", pid), Origin::process);
  if (fd < 0) fail(text("process {}", pid));
  pid_fd_.reset(fd);
}

std::vector<int> OtherProcess::descriptors() const {
  const auto path = text("/proc/{}/fd", pid_);
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(path.c_str()), closedir);
  if (!folder) fail(path);
  std::vector<int> numbers;
  while (const auto* entry = readdir(folder.get())) {
    int number = 0;
    const char* const end = entry->d_name + std::strlen(entry->d_name);
    if (std::from_chars(entry->d_name, end, number).ptr == end) numbers.push_back(number);
  }
  std::ranges::sort(numbers);
  return numbers;
}

std::optional<UniqueFd> OtherProcess::duplicate(int number) const {
  const auto fd = static_cast<int>(syscall(SYS_pidfd_getfd, pid_fd_.get(), number, 0));
  observe_call("pidfd_getfd", fd, "{}, {}, 0", pid_fd_.get(), number);
  if (fd >= 0) return UniqueFd(fd);
  if (errno == EBADF) return {};
  fail(text("descriptor {} of process {}", number, pid_));
}

}  // namespace sockx

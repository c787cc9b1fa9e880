#include "os/standard_streams.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.hpp"
#include "os/substitutes.hpp"

namespace sockx {

namespace {

/// Opened anew as it was lent: `<> fifo` is a reader and a writer.
UniqueFd take(int number) {
  const auto kind = describe_standard_stream(number).kind;
  if (kind != Descriptor::Kind::pipe && kind != Descriptor::Kind::device) return UniqueFd(number);
  const int access = fcntl(number, F_GETFL) & O_ACCMODE;
  const int opened =
      open(text("/proc/self/fd/{}", number).c_str(), access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (opened >= 0) {
    dup2(opened, number);
    close(opened);
  }
  return UniqueFd(number);
}

}  // namespace

void fill_closed_standard_streams() {
  for (int number = 0; number <= 2; ++number)
    if (fcntl(number, F_GETFD) < 0) open("/dev/null", O_RDONLY);  // the lowest free number is this one
}

void keep_words_from_peer() {
  struct stat input {
  }, output{};
  if (fstat(STDIN_FILENO, &input) != 0 || !S_ISSOCK(input.st_mode)) return;
  for (const int number : {STDOUT_FILENO, STDERR_FILENO}) {
    if (fstat(number, &output) != 0 || output.st_dev != input.st_dev || output.st_ino != input.st_ino)
      continue;
    if (dup2(open_null_device().get(), number) < 0) throw_errno("dup2");
  }
}

UniqueFd take_standard_input() { return take(0); }
UniqueFd take_standard_output() { return take(1); }

Descriptor describe_standard_stream(int fd) {
  if (fd == STDIN_FILENO) return describe(fd, "stdin", Origin::local_file);
  auto output = describe(fd, "stdout", Origin::standard_output);
  const bool was_closed = (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY;
  if (was_closed) output.kind = Descriptor::Kind::device;  // so that what comes is written to it, which fails
  return output;
}

bool is_in_background(int terminal) {
  const auto foreground = tcgetpgrp(terminal);
  return foreground >= 0 && foreground != getpgrp();
}

}  // namespace sockx

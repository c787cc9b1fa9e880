#include "commands/transfer/received_output.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "commands/serving/name_pattern.hpp"
#include "os/calls.hpp"
#include "os/standard_streams.hpp"
#include "os/substitutes.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

/// Each of several transfers needs its own name. The only transfer of a process has no number.
void check_pattern(const std::string& pattern, bool is_one_of_several) {
  check_name_pattern("-o", pattern);
  const auto placeholder = pattern.find("%n");
  if (!is_one_of_several && placeholder != std::string::npos)
    throw BadInput(text("-o '{}': %n is for --keep-open: say %t or %h", pattern));
  if (is_one_of_several && !has_placeholder(pattern))
    throw BadInput(
        text("-o '{}': with --keep-open each transfer needs a name of its own, like -o file-%n; or "
             "say --discard",
             pattern));
}

}  // namespace

void check(const ReceivedOutputOptions& options) {
  if (options.discard && options.path_given) throw BadInput("--discard: it writes nothing, so leave -o out");
  if (options.path.empty()) throw BadInput("-o '': say -o FILE");
  if (options.no_clobber && options.to_standard_output()) throw BadInput("--no-clobber: it needs -o FILE");
  if (options.is_pattern && !options.discard) check_pattern(options.path, options.is_one_of_several);
  if (options.to_standard_output() && !options.path_given && isatty(STDOUT_FILENO))
    throw BadInput("standard output is a terminal: say -o FILE, --discard, or -o - if you mean it");
}

std::string path_of(const ReceivedOutputOptions& options, std::uint64_t number, const Address& peer) {
  return options.is_pattern ? expand_name_pattern(options.path, number, peer) : options.path;
}

ReceivedOutput::ReceivedOutput(const ReceivedOutputOptions& options, const std::string& path) {
  if (options.discard) {
    fd_ = open_null_device();
    described_ = describe(fd_.get(), "/dev/null", Origin::local_file);
  } else if (options.to_standard_output()) {
    fd_ = take_standard_output();
    described_ = describe_standard_stream(fd_.get());
  } else {
    const bool may_repeat = options.is_pattern && options.path.find('%') != std::string::npos &&
                            options.path.find("%n") == std::string::npos;
    file_ = std::make_unique<NewFile>(path, NewFile::Options{options.no_clobber || may_repeat});
    fd_ = UniqueFd(fcntl(file_->fd(), F_DUPFD_CLOEXEC, 0));
    if (!fd_) throw_errno(text("open {}", path), Origin::local_file);
    described_ = describe(fd_.get(), path, Origin::local_file);
  }
}

Task<std::unique_ptr<ReceivedOutput>> open_received_output(const ReceivedOutputOptions& options,
                                                           std::string path, Descriptor sender,
                                                           Deadline limit) {
  auto& loop = co_await this_loop();
  for (;;) {
    try {
      co_return std::make_unique<ReceivedOutput>(options, path);
    } catch (const Error& error) {
      struct stat status {};
      const bool is_fifo = stat(path.c_str(), &status) == 0 && S_ISFIFO(status.st_mode);
      if (error.number() != ENXIO || !is_fifo) throw;
    }
    if (const int number = pending_error(sender))
      throw Error(number, text("recv {}", sender.name), sender.origin);
    if (loop.now() >= limit) throw TimedOut(text("{}: nobody reads it in time", path));
    co_await loop.sleep_until(std::min(after(50ms), limit));
  }
}

}  // namespace sockx

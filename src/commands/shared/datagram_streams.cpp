#include "commands/shared/datagram_streams.hpp"

#include <unistd.h>

#include "os/standard_streams.hpp"

namespace sockx {

DatagramStreams::DatagramStreams(EventLoop& loop, bool reads_input)
    : output_(loop, take_standard_output()), out_(describe_standard_stream(output_.fd.get())) {
  if (!reads_input) return;
  input_.emplace(loop, take_standard_input());
  in_ = describe_standard_stream(input_->fd.get());
}

void DatagramStreams::set_reply_timeout(ExchangeOptions& options) const {
  const bool is_typed = input_ && in_.fd == STDIN_FILENO && isatty(STDIN_FILENO) != 0;
  if (!options.reply_timeout && (!is_typed || options.expected))
    options.reply_timeout = std::chrono::seconds(1);
}

}  // namespace sockx

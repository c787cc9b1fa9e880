#include "commands/datagram/datagram_streams.hpp"

#include <unistd.h>

namespace sockx {

DatagramStreams::DatagramStreams(EventLoop& loop, bool reads_input) : output_(Stream::standard_output(loop)) {
  if (reads_input) input_.emplace(Stream::standard_input(loop));
}

void DatagramStreams::set_reply_timeout(ExchangeOptions& options) const {
  const bool is_typed = input_ && input_->facts().fd == STDIN_FILENO && isatty(STDIN_FILENO) != 0;
  if (!options.reply_timeout && (!is_typed || options.expected))
    options.reply_timeout = std::chrono::seconds(1);
}

}  // namespace sockx

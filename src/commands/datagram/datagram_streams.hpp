// The standard streams as udp and raw use them.
#pragma once

#include <optional>

#include "datagram/exchange.hpp"
#include "flow/stream.hpp"

namespace sockx {

class DatagramStreams {
 public:
  /// Takes over standard output, and standard input if it is read. Throws Error.
  DatagramStreams(EventLoop& loop, bool reads_input);
  ExchangeStreams borrowed() { return {input_ ? &*input_ : nullptr, output_}; }
  /// Sets the default: 1 s; none if a user types the input and no number of replies is expected.
  void set_reply_timeout(ExchangeOptions& options) const;

 private:
  std::optional<Stream> input_;
  Stream output_;
};

}  // namespace sockx

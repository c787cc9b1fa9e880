// DatagramSummary: what udp and raw report during the run and at its end.
#pragma once

#include "cli/context.hpp"
#include "cli/end_report.hpp"
#include "commands/datagram/datagram_output.hpp"
#include "datagram/exchange.hpp"

namespace sockx {

class DatagramSummary {
 public:
  explicit DatagramSummary(Context& context)
      : context_(context), report_(context, [this](bool) { tell(); }) {}

  /// Shows datagrams in this format, and logs their facts and errors.
  ExchangeObserver observer(DatagramFormat format);
  /// Reports what was sent and received, and warns of what was lost; otherwise the destructor does.
  void complete() { report_.complete(); }

  ExchangeTally tally;

 private:
  void tell() const;
  void log_facts(const Datagram& datagram, std::size_t size) const;

  Context& context_;
  Clock::time_point begun_ = Clock::now();
  EndReport report_;  // destroyed first
};

}  // namespace sockx

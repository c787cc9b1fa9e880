#include "commands/shared/datagram_summary.hpp"

#include "cli/units.hpp"

namespace sockx {

ExchangeObserver DatagramSummary::observer(DatagramFormat format) {
  ExchangeObserver observer;
  observer.show = [this, format, logs = context_.log.shows(LogLevel::debug)](
                      const Datagram& datagram, std::span<const std::byte> bytes, std::string& output) {
    if (logs) log_facts(datagram, bytes.size());
    show_datagram(format, datagram, bytes, output);
  };
  observer.cut = [this](const Datagram& datagram) {
    context_.log.warn("a datagram of {} bytes from {} was cut to {}", datagram.size,
                      shown_address(datagram.source), datagram.bytes.size());
  };
  observer.refused = [this](const DatagramError& error) {
    context_.log.info("{}", error.to_string());
    context_.report.event("datagram-error", {{"peer", shown_address(error.destination)},
                                             {"errno", error.number},
                                             {"reporter", error.reporter ? error.reporter->host() : ""}});
  };
  return observer;
}

void DatagramSummary::log_facts(const Datagram& datagram, std::size_t size) const {
  std::string line;
  for (const auto& [name, value] : facts_of(datagram, size))
    line += text("{}{} {}", line.empty() ? "" : ", ", name, plain_text(value));
  context_.log.debug("{}", line);
}

void DatagramSummary::tell() const {
  const auto span = Clock::now() - begun_;
  const auto& [sent, received] = std::pair(tally.sent, tally.received);
  context_.log.info("sent {} datagrams ({} bytes), received {} ({} bytes) in {}", sent.datagrams, sent.bytes,
                    received.datagrams, received.bytes, show_duration(span));
  context_.report.event("finished", {{"sent", sent.datagrams},
                                     {"sent_bytes", sent.bytes},
                                     {"received", received.datagrams},
                                     {"received_bytes", received.bytes},
                                     {"truncated", tally.cut},
                                     {"dropped", tally.dropped},
                                     {"seconds", seconds(span)}});
  if (tally.dropped > 0)
    context_.log.warn("the kernel dropped {} datagrams or trains of them: the queue was full", tally.dropped);
}

}  // namespace sockx

#include "commands/datagram/datagram_summary.hpp"

#include "base/text.hpp"
#include "cli/units.hpp"

namespace sockx {

namespace {

/// Why a datagram is not answered, for the log.
std::string_view reason_of(AnswerRefusal why) {
  switch (why) {
    case AnswerRefusal::own_address:
      return "its source leads to our own address, and the answer would come back here";
    case AnswerRefusal::echo_port:
      return "that is the port of a service that answers everything, and it would answer us";
    case AnswerRefusal::no_address:
      return "its sender has no address to answer to";
    default:
      return "more has come than --answer-rate allows";
  }
}

}  // namespace

ExchangeObserver DatagramSummary::observer(DatagramFormat format) {
  ExchangeObserver observer;
  observer.show = [this, format, logs = context_.log.shows(LogLevel::debug)](
                      const Datagram& datagram, std::span<const std::byte> bytes, std::string& output) {
    if (logs) log_facts(datagram, bytes.size());
    show_datagram(format, datagram, bytes, output);
  };
  observer.cut = [this](const Datagram& datagram) {
    context_.log.warn("a datagram of {} from {} was cut to {}", counted(datagram.size, "byte"),
                      shown_address(datagram.source), datagram.bytes.size());
  };
  observer.deaf = [this](const Address& peer) {
    context_.log.info("{} does not read: what is for it is dropped until it does", peer.to_string());
  };
  observer.unanswered = [this](AnswerRefusal why, const Address& source) {
    context_.log.warn("a datagram from {} is not answered: {}; others like it are only counted",
                      shown_address(source), reason_of(why));
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
  const auto show = [](const Field& field) { return text("{} {}", field.name, plain_text(field.value)); };
  context_.log.debug("{}", joined(facts_of(datagram, size), ", ", show));
}

void DatagramSummary::tell() const {
  const auto span = Clock::now() - begun_;
  const auto& [sent, received] = std::pair(tally.sent, tally.received);
  context_.log.info("sent {} ({}), received {} ({}) in {}", counted(sent.datagrams, "datagram"),
                    counted(sent.bytes, "byte"), received.datagrams, counted(received.bytes, "byte"),
                    show_duration(span));
  context_.report.event("finished", {{"sent", sent.datagrams},
                                     {"sent_bytes", sent.bytes},
                                     {"received", received.datagrams},
                                     {"received_bytes", received.bytes},
                                     {"truncated", tally.cut},
                                     {"dropped", tally.dropped},
                                     {"undelivered", tally.undelivered},
                                     {"unanswered", tally.unanswered},
                                     {"refused", tally.refused},
                                     {"unserved", tally.unserved},
                                     {"seconds", seconds(span)}});
  if (tally.undelivered > 0)
    context_.log.warn("dropped {}: the peers did not read", counted(tally.undelivered, "datagram"));
  if (tally.unanswered > 0) context_.log.warn("left {} unanswered", counted(tally.unanswered, "datagram"));
  if (tally.unserved > 0)
    context_.log.warn("dropped {} that no program took", counted(tally.unserved, "datagram"));
  if (tally.refused > 0) context_.log.info("turned away {}", counted(tally.refused, "datagram"));
  if (tally.dropped > 0)
    context_.log.warn("the kernel dropped {}, each a datagram or a train: the queue was full",
                      counted(tally.dropped, "buffer"));
}

}  // namespace sockx

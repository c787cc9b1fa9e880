#include "commands/serving/server_journal.hpp"

#include "base/text.hpp"
#include "cli/exit_code.hpp"
#include "cli/units.hpp"
#include "serve/client.hpp"

namespace sockx {

void ServerJournal::operator()(const ServerEvent& event) const {
  switch (event.kind) {
    case ServerEvent::Kind::accepted:
      return note_accepted(event);
    case ServerEvent::Kind::closed:
      return note_closed(event);
    case ServerEvent::Kind::refused:
      if (event.is_by_rule)
        context_.log.info("{} was turned away: {}", event.peer, event.reason);
      else
        context_.log.warn("{} could not be served: {}", event.peer, event.reason);
      return context_.report.event(
          "refused", {{"peer", std::string(event.peer)}, {"reason", std::string(event.reason)}});
    case ServerEvent::Kind::shortage:
      context_.log.warn("{}: new connections wait{}", event.reason,
                        event.connections == 0 ? "" : text(" until one of {} ends", event.connections));
      return context_.report.event("shortage", {{"reason", std::string(event.reason)}});
    case ServerEvent::Kind::draining:
      context_.log.info("no more connections are accepted; {} {} left", event.connections,
                        event.connections == 1 ? "is" : "are");
      return context_.report.event("draining", {{"connections", event.connections}});
  }
}

void ServerJournal::note_accepted(const ServerEvent& event) const {
  const auto& client = *event.client;
  context_.log.info("connection {} from {}", client.number, client.name());
  if (!context_.report.has_events()) return;
  context_.report.event(
      "accepted", {{"number", client.number}, {"peer", client.name()}, {"connections", event.connections}});
}

void ServerJournal::note_closed(const ServerEvent& event) const {
  const auto& client = *event.client;
  const auto span = Clock::now() - client.begun;
  const auto advice = client.mend.empty() ? "" : text("; allow it with {}", flag_of(client.mend));
  const auto told = text("connection {} from {} closed after {}: received {}, sent {}: {}{}", client.number,
                         client.name(), show_duration(span), counted(client.tally.received, "byte"),
                         counted(client.tally.sent, "byte"), event.reason, advice);
  if (!event.is_complete && event.reason != server_has_stopped)
    context_.log.warn("{}", told);
  else
    context_.log.info("{}", told);
  if (!context_.report.has_events()) return;
  context_.report.event("closed", {{"number", client.number},
                                   {"peer", client.name()},
                                   {"received", client.tally.received},
                                   {"sent", client.tally.sent},
                                   {"seconds", seconds(span)},
                                   {"reason", std::string(event.reason)},
                                   {"complete", event.is_complete}});
}

}  // namespace sockx

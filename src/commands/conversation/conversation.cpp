#include "commands/conversation/conversation.hpp"

#include <fcntl.h>

#include <algorithm>
#include <iterator>

#include "base/on_exit.hpp"
#include "base/text.hpp"
#include "cli/units.hpp"
#include "commands/conversation/local_end.hpp"
#include "commands/conversation/receive_once.hpp"
#include "commands/stream/proxy_flags.hpp"
#include "os/calls.hpp"
#include "os/records.hpp"

namespace sockx {

namespace {

/// Which end ends the session, by default: both with a program or a file, the peer with a user at a terminal.
Until usual_end(const ConversationOptions& options, const LocalEnd& local_end) {
  if (options.send_only) return Until::local;
  if (options.recv_only) return Until::peer;
  if (options.shutdown == SHUT_RD) return Until::local;
  return local_end.is_typed() ? Until::peer : Until::both;
}

RelayRules rules_of(const ConversationOptions& options, const LocalEnd& local_end) {
  RelayRules rules;
  rules.until = options.until.value_or(usual_end(options, local_end));
  rules.idle_timeout = options.limits.idle;
  rules.eof_timeout = options.eof_timeout;
  rules.rate = options.rate;
  return rules;
}

Duplex local_duplex(const ConversationOptions& options, LocalEnd& local_end, Processing processing) {
  auto end = local_end.duplex();
  if (!options.framing && local_end.input_is_file())  // a file may have no lines
    processing.framing = {Framing::Kind::size, std::min<std::size_t>(1400, processing.max_record)};
  end.carried.processing = std::move(processing);
  return end;
}

Duplex peer_duplex(const ConversationOptions& options, Stream& stream, Processing processing) {
  Duplex end{stream, stream};
  end.is_told_of_end = !options.no_shutdown && !options.recv_only;
  end.is_heard = !options.shuts(SHUT_RD);
  end.carried.processing = std::move(processing);
  if (options.max_bytes) end.carried.limit = *options.max_bytes;
  return end;
}

/// recv(2) with MSG_WAITALL waits only on a socket in blocking mode. All other code works with that as well.
void let_recv_block(const Connection& connection, const ConversationOptions& options) {
  const bool waits = options.recv_once && (options.recv_flags & MSG_WAITALL) != 0;
  if (waits && !connection.is_adopted) fcntl(connection.fd(), F_SETFL, 0);
}

}  // namespace

RelayObserver tell_in(Log& log, std::string_view stop) {
  return [&log, stop](const RelayEvent& event) {
    switch (event.kind) {
      case RelayEvent::Kind::detail:
        return log.debug("{}", event.text);
      case RelayEvent::Kind::warning:
        return log.warn("{}", event.text);
      case RelayEvent::Kind::first_is_silent:
        return log.warn("{}; to stop when {}", event.text, stop);
      case RelayEvent::Kind::second_is_silent:
        return log.warn("{}; --eof-timeout bounds the wait", event.text);
    }
  };
}

void ConversationSummary::tell() const {
  if (!begun_) return;
  const auto span = Clock::now() - *begun_;
  context_.log.info("sent {}, received {} in {}", counted(tally_.sent, "byte"),
                    counted(tally_.received, "byte"), show_duration(span));
  context_.report.event(
      "closed",
      {{"peer", peer_}, {"sent", tally_.sent}, {"received", tally_.received}, {"seconds", seconds(span)}});
}

Tally& ConversationSummary::begin(const Connection& connection) {
  begun_ = Clock::now();
  peer_ = peer_name(connection);
  const auto local = connection.local().to_string();
  context_.log.info("connected to {} from {}", connection.proxy ? connection.name() : peer_, local);
  std::vector<Field> fields{{"local", local}};
  std::ranges::move(peer_fields(connection), std::back_inserter(fields));
  context_.report.event("connected", fields);
  return tally_;
}

void check(const ConversationOptions& options, const StreamOptions& stream) {
  if (options.rate == 0U) throw BadInput("--rate: '0': nothing would ever move; say at least 1");
  constexpr std::uint64_t largest = 1024 * 1024 * 1024;  // of what is held in memory
  for (const auto& [name, size] :
       {std::pair{"--max-record", options.max_record}, {"--recv-once", options.recv_once}})
    if (size && *size > largest) throw BadInput(text("{}: '{}': say at most 1Gi", name, *size));
  if (options.max_record == 0U) throw BadInput("--max-record: '0': say 1 to 1Gi");
  const bool is_deaf = options.shuts(SHUT_RD), is_mute = options.shuts(SHUT_WR);
  if (is_deaf && (options.until == Until::peer || options.recv_once))
    throw BadInput("--shutdown: the peer's end would not be noticed: leave --until peer and --recv-once out");
  if (is_deaf && (options.max_bytes || !options.tee_in.empty()))
    throw BadInput("--shutdown: nothing will be received: leave --max-bytes and --tee-in out");
  if (is_mute && !options.lines.empty()) throw BadInput("--shutdown: nothing can be sent: leave --line out");
  const bool records = stream.type == SOCK_SEQPACKET;
  if (records && options.max_bytes)
    throw BadInput("--max-bytes would cut a record of --type seqpacket; --max-record bounds each");
  if (!records && options.framing) throw BadInput("--framing is for --type seqpacket");
  if (!records && options.max_record) throw BadInput("--max-record is for --type seqpacket");
}

Task<> converse(Context& context, Connection given, const ConversationOptions& options,
                ProcessingBothWays processing, ConversationSummary& summary) {
  std::optional<LocalEnd>
      local_end;  // is destroyed after the connection: a program that ends slowly does not keep it open
  auto connection = std::move(given);
  let_recv_block(connection, options);
  const bool leaves_open = options.recv_once && connection.is_adopted;
  std::optional<CutUnlessComplete> cut;
  if (!leaves_open) cut.emplace(connection.fd());
  auto& tally = summary.begin(connection);
  auto& stream = connection.stream;
  stream.set_send_flags(options.send_flags);
  if (stream.facts().kind == Descriptor::Kind::seqpacket) tell_empty_records_from_the_end(stream.facts());
  if (options.shutdown) shut_down(stream.facts(), *options.shutdown);

  local_end.emplace(context, options, connection);
  // At a signal that ends the session nothing is missing if a user types the input, or if standard input is
  // silent and everything from it has been sent: the peer then gets FIN, and no reset. A program that is cut
  // off would have had more to say.
  const OnExit end_by_signal([&] {
    if (!cut || !context.is_interrupted()) return;
    const bool is_whole = local_end->is_typed() || (cut->has_caught_up() && !local_end->is_program());
    if (is_whole && connection.stream.end_at_once()) cut->complete();
  });
  const auto stages = processing.inward.stages;
  auto rules = rules_of(options, *local_end);
  auto local = local_duplex(options, *local_end, std::move(processing.outward));
  auto remote = peer_duplex(options, stream, std::move(processing.inward));
  remote.cut = cut ? &*cut : nullptr;
  if (options.recv_once) {
    rules.receive = [&, &out = local.out] {
      return receive_once(context, options, stream, out, stages, tally.received);
    };
    remote.is_left_open = leaves_open;
    remote.is_told_of_end = remote.is_told_of_end && !leaves_open;
  }
  auto tell = tell_in(context.log, "the peer ends, say --until peer");
  co_await relay(std::move(local), std::move(remote), std::move(rules), tally, std::move(tell));
  const auto grace = options.eof_timeout.value_or(std::chrono::seconds(5));
  co_await local_end->wait_for_program(grace, deadline_in(options.limits.idle));
}

}  // namespace sockx

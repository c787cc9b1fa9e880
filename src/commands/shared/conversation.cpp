#include "commands/shared/conversation.hpp"

#include <unistd.h>

#include "os/standard_streams.hpp"

namespace sockx {

void add_conversation_flags(CLI::App& app, ConversationOptions& options) {
  const std::vector<std::pair<std::string, std::optional<Until>>> choices{
      {"both", Until::both}, {"local", Until::local}, {"peer", Until::peer}, {"either", Until::either}};
  add_choice(app, "--until", options.until, choices,
             "whose end ends the session (default: both; peer when standard input is a terminal)");
  app.add_flag("--no-shutdown", options.no_shutdown,
               "keep our half of the connection open when standard input ends");
  add_duration(app, "--eof-timeout", options.eof_timeout,
               "wait no longer than DURATION for the second direction once the first has ended");
  add_run_timeouts(app, options.limits);
}

Tally& ConversationSummary::begin(const Address& local, const Address& peer) {
  begun_ = Clock::now();
  peer_ = peer.to_string();
  context_.log.info("connected to {} from {}", peer_, local.to_string());
  context_.report.event("connected", {{"local", local.to_string()}, {"peer", peer_}});
  return tally_;
}

ConversationSummary::~ConversationSummary() {
  if (!begun_) return;
  const auto span = Clock::now() - *begun_;
  context_.log.info("sent {} bytes, received {} bytes in {}", tally_.sent, tally_.received,
                    show_duration(span));
  context_.report.event(
      "closed",
      {{"peer", peer_}, {"sent", tally_.sent}, {"received", tally_.received}, {"seconds", seconds(span)}});
}

Task<> converse(Context& context, Socket socket, Address peer, const ConversationOptions& options,
                ConversationSummary& summary) {
  auto& tally = summary.begin(socket.local(), peer);
  RelayOptions rules;
  rules.until = options.until.value_or(isatty(STDIN_FILENO) ? Until::peer : Until::both);
  rules.half_close = !options.no_shutdown;
  rules.idle_timeout = options.limits.idle;
  rules.eof_timeout = options.eof_timeout;

  auto& loop = co_await this_loop();
  Stream input(loop, take_standard_input());
  std::optional<Stream> output;
  output.emplace(loop, take_standard_output());
  auto far = socket.described(peer.to_string());
  Stream connection(loop, std::move(socket).release());
  NearSide near{describe_standard_stream(input.fd.get()), describe_standard_stream(output->fd.get()),
                input.watch, output};
  const auto tell = [&context](const RelayEvent& event) {
    if (event.kind == RelayEvent::Kind::warning)
      context.log.warn("{}", event.text);
    else
      context.log.debug("{}", event.text);
  };
  FarSide peer_side{std::move(far), connection.watch};
  co_await relay(std::move(near), std::move(peer_side), rules, tally, tell);
}

}  // namespace sockx

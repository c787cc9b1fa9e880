#include "commands/transfer/connection_source.hpp"

#include <algorithm>

#include "cli/flag_groups.hpp"
#include "flow/task_group.hpp"

namespace sockx {

namespace {

Task<> dial(Context& context, Endpoint endpoint, const ConnectionSourceOptions& flags,
            std::optional<Duration> timeout, std::optional<Connection>& met) {
  auto how = redial_options(context, flags.retry, timeout);
  auto dialing = dial_options(context, flags.stream());
  met.emplace(co_await redial(std::move(endpoint), std::move(dialing), std::move(how)));
  context.log.info("connected to {}", met->name());
}

}  // namespace

Flag add_connection_flags(Flags& flags, ConnectionSourceOptions& target, TimeLimits& limits) {
  const auto turn =
      target.listens
          ? flags.add_flag(
                "--connect", [&target] { target.listens = false; },
                "connect to the sender instead of waiting for a connection")
          : flags.add_flag(
                "--listen", [&target] { target.listens = true; },
                "wait for a connection, instead of connecting; the endpoint is one word, PORT or HOST:PORT");
  target.listening.options.stream.resets_on_close = true;
  add_listen_flags(flags, target.listening);
  add_accept_timeout(flags, limits);
  add_connect_timeout(flags, limits);
  add_retry_flags(flags, target.retry);
  const auto tie = [&](std::initializer_list<const char*> names, bool listening) {
    for (const auto* const name : names) {
      if (listening == target.listens)
        flags.get(name).excludes(turn);
      else
        flags.get(name).needs(turn);
    }
  };
  tie({"--backlog", "--port-file", "--accept-timeout"}, true);
  tie({"--connect-timeout", "--retry", "--retry-delay", "--wait-for"}, false);
  return turn;
}

Endpoint parse_endpoint(const ConnectionSourceOptions& flags, const std::vector<std::string>& words) {
  return Endpoint::parse(words, flags.listens ? Endpoint::Role::listening : Endpoint::Role::connecting);
}

ConnectionSource::ConnectionSource(Context& context, ProgressBoard& board,
                                   const ConnectionSourceOptions& flags, Endpoint endpoint, TimeLimits limits,
                                   Deadline deadline)
    : context_(context),
      board_(board),
      flags_(flags),
      endpoint_(std::move(endpoint)),
      limits_(limits),
      deadline_(deadline) {}

Task<Connection> ConnectionSource::next() {
  auto endpoint = endpoint_;
  auto where = endpoint.to_string();
  const auto phase = flags_.listens ? Phase::listening : Phase::connecting;
  const Progress shown(board_, [&] { return ProgressState{phase, where}; });
  if (!flags_.listens) {
    std::optional<Connection> met;
    auto dialing = dial(context_, std::move(endpoint), flags_, limits_.connect, met);
    std::string too_late = "the deadline has passed";
    co_await with_deadline(std::move(dialing), deadline_, std::move(too_late));
    co_return std::move(*met);
  }
  if (!listener_) {
    auto listening = flags_.listening;
    listening.options.deadline = deadline_;
    listener_.emplace(co_await open_listener(context_, std::move(endpoint), std::move(listening)));
  }
  where = listener_->address().to_string();
  const auto limit = std::min(deadline_, deadline_in(limits_.accept));
  auto accepted = co_await accept(*listener_, limit);
  context_.log.info("connection from {}", accepted.name());
  co_return accepted;
}

}  // namespace sockx

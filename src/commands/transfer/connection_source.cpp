#include "commands/transfer/connection_source.hpp"

#include <algorithm>

#include "cli/exit_code.hpp"
#include "cli/flag_groups.hpp"
#include "flow/task_group.hpp"
#include "net/stream/layers.hpp"

namespace sockx {

namespace {

Task<> dial(Context& context, Endpoint endpoint, const ConnectionSourceOptions& flags,
            std::optional<Duration> timeout, std::optional<Connection>& met) {
  auto how = redial_options(context, flags.retry, timeout);
  auto dialing = dial_options(context, flags.stream(), flags.route);
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
  add_send_proxy_flag(flags, target.send_proxy, "our addresses");
  const auto tie = [&](std::initializer_list<const char*> names, bool listening) {
    for (const auto* const name : names) {
      if (listening == target.listens)
        flags.get(name).excludes(turn);
      else
        flags.get(name).needs(turn);
    }
  };
  tie({"--backlog", "--port-file", "--accept-timeout"}, true);
  tie({"--connect-timeout", "--retry", "--retry-delay", "--wait-for", "--send-proxy"}, false);
  add_proxy_flags(flags, target.proxy);
  tie({"--proxy"}, false);
  add_tls_flags(flags, target.tls, TlsSide::either, {});
  return turn;
}

Endpoint parse_endpoint(const ConnectionSourceOptions& flags, const std::vector<std::string>& words) {
  return Endpoint::parse(words, flags.listens ? Endpoint::Role::listening : Endpoint::Role::connecting);
}

void complete_way(ConnectionSourceOptions& flags, const Endpoint& endpoint) {
  complete(flags.proxy, flags.tls, endpoint, flags.stream());
  const auto role = flags.listens ? TlsOptions::Role::server : TlsOptions::Role::client;
  complete(flags.tls, role, endpoint, flags.stream());
}

void use_way(Context& context, ConnectionSourceOptions& flags, const std::optional<Endpoint>& endpoint,
             std::optional<Duration> idle_timeout, ClientCommand client) {
  flags.route = make_route(context, flags.proxy);
  dial_with_header(flags.send_proxy, flags.listening.options.stream);
  auto tls = make_tls(context, flags.tls);
  if (!tls) return;
  auto& listening = flags.listening;
  if (flags.listens) {
    listening.tls = tls;
    listening.pin_file = flags.tls.pin_file;
    listening.client = std::move(client);
  }
  const auto peer = endpoint && !flags.listens ? endpoint->to_string() : "";
  listening.options.stream.layers.push_back(
      tls_layer(context, std::move(tls), peer, flags.listens ? idle_timeout : std::nullopt));
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
  auto accepted = co_await next_accepted();
  context_.log.info("connection from {}", accepted.name());
  has_one_ = true;
  co_return accepted;
}

/// The first one is the peer, or nobody is. Later anybody may come.
Task<Connection> ConnectionSource::next_accepted() {
  const auto limit = std::min(deadline_, deadline_in(limits_.accept));
  for (;;) {
    auto connection = co_await next_connection(*listener_, limit);
    const auto limit_of_layers = std::min(deadline_, after(time_for_layers));
    auto layers = apply_layers(flags_.stream().layers, connection, limit_of_layers);
    const auto failure = co_await outcome_of(std::move(layers));
    if (!failure) co_return connection;
    if (!has_one_) std::rethrow_exception(failure);
    context_.log.warn("{}; waiting for another connection", describe_failure(failure).message);
  }
}

}  // namespace sockx

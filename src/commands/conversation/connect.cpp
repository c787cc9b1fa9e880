#include "commands/conversation/connect.hpp"

#include "base/error.hpp"
#include "cli/flag_groups.hpp"
#include "cli/time_limits.hpp"
#include "commands/conversation/conversation.hpp"
#include "commands/conversation/pass_fd.hpp"
#include "net/stream/pacing.hpp"

namespace sockx {

namespace {

Task<> connect(Context& context, const ConnectOptions& options, ConversationSummary& summary) {
  auto endpoint = options.endpoint;
  const auto& conversation = options.conversation;
  auto how = redial_options(context, options.retry, conversation.limits.connect);
  auto dialing = dial_options(context, options.stream, make_route(context, options.proxy));
  std::optional<Stream> fd_receiver;
  const bool passes_on = !conversation.pass_to.empty();
  if (passes_on &&
      !endpoint.is_adopted()) {  // an adopted socket may have the number that a new one would get
    fd_receiver.emplace(co_await open_fd_receiver(conversation));
  }
  if (conversation.rate && !passes_on)
    dialing.stream.layers.push_back(paced(options.stream, *conversation.rate));
  dial_with_header(options.send_proxy, dialing.stream);
  dial_by_tls(context, options.tls, endpoint, dialing.stream);
  auto processing = make_processing(conversation, context.report);
  co_await wait_for_readers(processing);
  auto connection = co_await redial_visibly(context, std::move(endpoint), std::move(dialing), std::move(how));
  if (passes_on && !fd_receiver) {
    fd_receiver.emplace(co_await open_fd_receiver(conversation));
  }
  if (fd_receiver) {
    co_await pass_connection(context, std::move(connection), std::move(*fd_receiver));
  } else {
    co_await converse(context, std::move(connection), conversation, std::move(processing), summary);
  }
}

/// What goes past the encryption of an https proxy, as with --tls.
void check_https_proxy(const ConnectOptions& options) {
  if (!options.proxy.have_https()) return;
  const auto& conversation = options.conversation;
  for (const auto& [is_given, name] : {std::pair{conversation.send_flags != 0, "--send-flags"},
                                       {conversation.recv_once.has_value(), "--recv-once"},
                                       {!conversation.pass_to.empty(), "--pass-fd"},
                                       {conversation.shutdown.has_value(), "--shutdown"}})
    if (is_given)
      throw BadInput(
          text("{}: it cannot be used with an https proxy, because the connection to it is TLS: leave it "
               "out, or use another kind of proxy",
               name));
}

}  // namespace

void declare(Flags& flags, ConnectOptions& o) {
  const auto& words = flags.add_words(2, "HOST PORT", {ValueKind::endpoint, ValueKind::service});
  add_stream_flags(flags, o.stream);
  flags.get("--source").help("send from this address, port or both");
  add_connect_timeout(flags, o.conversation.limits);
  flags.get("--connect-timeout")
      .help("give up connecting after DURATION (nc's -w also limits silence: --idle-timeout)");
  add_retry_flags(flags, o.retry);
  add_check_flags(flags, o.checking);
  add_proxy_flags(flags, o.proxy, false,
                  "; some proxies end both directions when the input ends: --no-shutdown");
  const auto conversation = add_conversation_flags(flags, o.conversation, o.stream);
  add_send_proxy_flag(flags, o.send_proxy, "our addresses").excludes("--scan");
  add_tls_flags(flags, o.tls, TlsSide::client,
                {"--send-flags", "--recv-once", "--pass-fd", "--shutdown", "--scan"});
  exclude_each(conversation, flags.get("--check"));
  exclude_each(conversation, flags.get("--scan"));
  flags.set_examples(
      {{"sockx connect example.com 80", "talk to a server; the session ends when the server closes"},
       {"sockx connect 192.0.2.7:9000 < disk.img",
        "send a file; the end of standard input closes our direction (FIN)"},
       {"sockx connect unix:/run/app.sock", "the same over a unix socket"},
       {"sleep 2 | sockx connect --until either 192.0.2.7 22",
        "print what a server says by itself within two seconds"},
       {"sockx connect --wait-for 30s --check db 5432", "wait until a server accepts connections"},
       {"sockx connect --scan 192.0.2.7 22,80,8000-8100", "see which ports are open"}});
  flags.when_read([&o, &words] {
    if (o.checking.scan && o.retry.are_given())
      throw BadInput("--scan: each port is tried once; leave --retry, --retry-delay and --wait-for out");
    check(o.conversation, o.stream);
    if (o.checking.scan)
      o.scanned = ScanTarget::parse(words);
    else
      o.endpoint = Endpoint::parse(words, Endpoint::Role::connecting);
    const auto& scanned = o.scanned;
    const auto target =
        o.checking.scan ? Endpoint{HostPort{scanned.host, scanned.ports.front()}} : o.endpoint;
    complete(o.proxy, o.tls, target, o.stream, scanned.ports);
    check(o.send_proxy, o.stream);
    complete(o.tls, TlsOptions::Role::client, o.endpoint, o.stream);
    check_https_proxy(o);
  });
}

ExitCode run(Context& context, const ConnectOptions& options) {
  const auto& limits = options.conversation.limits;
  if (options.checking.scan)
    return run_scan(context, options.scanned, options.checking,
                    dial_options(context, options.stream, make_route(context, options.proxy)), limits);
  if (options.checking.check) {
    auto stream = options.stream;
    dial_with_header(options.send_proxy, stream, true);
    dial_by_tls(context, options.tls, options.endpoint, stream);
    return run_check(context, options.endpoint,
                     dial_options(context, stream, make_route(context, options.proxy)), options.retry,
                     limits);
  }
  context.report.keep_standard_output_for_payload();
  ConversationSummary summary(context);
  context.run(connect(context, options, summary), limits.whole_run);
  summary.complete();
  return ExitCode::done;
}

}  // namespace sockx

#include "commands/conversation/listen.hpp"

#include "cli/flag_groups.hpp"
#include "cli/time_limits.hpp"
#include "commands/conversation/conversation.hpp"
#include "commands/conversation/pass_fd.hpp"
#include "net/stream/pacing.hpp"
#include "os/descriptor_limit.hpp"

namespace sockx {

namespace {

/// Joins the connection to the standard streams, or passes it to another process.
class Conversing final : public Service {
 public:
  Conversing(Context& context, const ConversationOptions& options, ConversationSummary& summary)
      : context_(context),
        options_(options),
        summary_(summary),
        processing_(make_processing(options, context.report)) {}

  Task<> ready_for_next() override {
    co_await wait_for_readers(processing_);
    if (!options_.pass_to.empty()) {
      fd_receiver_.emplace(co_await open_fd_receiver(options_));
    }
  }
  Task<> serve(Connection connection, Seat) override {
    if (fd_receiver_) {
      co_await pass_connection(context_, std::move(connection), std::move(*fd_receiver_));
    } else {
      co_await converse(context_, std::move(connection), options_, std::move(processing_), summary_);
    }
  }

 private:
  Context& context_;
  const ConversationOptions& options_;
  ConversationSummary& summary_;
  ProcessingBothWays processing_;
  std::optional<Stream> fd_receiver_;
};

/// Of a connection that is dialed for a client.
void add_dialing_limit(Flags& flags, ListenOptions& o) {
  const HelpSection section(flags, "Servers");
  add_connect_timeout(flags, o.conversation.limits, "--connect-timeout");
  flags.get("--connect-timeout").noted_in(o.serving.dialing);
}

/// --handler proxy.
void complete_proxy(ListenOptions& o, const std::vector<std::string>& words) {
  auto& proxy = o.serving.proxy;
  const auto& access = o.serving.hosting.access;
  proxy.auth_file = o.serving.upstream.credentials_file;
  proxy.is_guarded = !proxy.auth_file.empty() || !access.allow.empty() || !access.allow_file.empty();
  restrict_to_loopback(proxy, words, o.listening.options.stream, o.endpoint);
}

}  // namespace

void declare(Flags& flags, ListenOptions& o) {
  const auto& words = flags.add_words(2, "[HOST] PORT", {ValueKind::endpoint, ValueKind::service}, false);
  add_listen_flags(flags, o.listening);
  flags.get("--source").value_name("ADDR").help("listen on this address only");
  add_binding_flags(flags, o.listening);
  add_accept_timeout(flags, o.conversation.limits);
  const auto conversation = add_conversation_flags(flags, o.conversation, o.listening.options.stream);
  add_serving_flags(flags, o.serving, conversation);
  add_dialing_limit(flags, o);
  add_proxy_serving_flags(flags, o.serving.proxy);
  add_tls_flags(flags, o.tls, TlsSide::server, {"--send-flags", "--recv-once", "--pass-fd", "--shutdown"});
  add_access_flags(flags, o.serving.hosting.access);
  add_activation_flags(flags, o.serving.hosting.activation);
  flags.exclude({"--inetd", "--systemd"}, flags.get("--workers"));
  flags.set_examples(
      {{"sockx listen 5678", "wait on every address, IPv6 and IPv4, and talk to the first client"},
       {"sockx listen 5678 > received < reply", "store what the client sends, and answer with a file"},
       {"sockx listen --port-file port.txt 127.0.0.1 0",
        "let the kernel choose the port, and write it to a file"},
       {"sockx listen --keep-open --handler echo 7", "serve many clients at once"},
       {"sockx listen --keep-open --handler proxy 1080", "a proxy for the clients of this host"}});
  flags.when_read([&o, &words] {
    o.serving.hosting.access.numeric = o.listening.options.stream.numeric;
    o.serving.until = o.conversation.until;
    if (o.serving.are_given())
      complete(o.serving, o.conversation);
    else
      check(o.conversation, o.listening.options.stream);
    o.endpoint = endpoint_to_listen_on(o.serving.hosting.activation, words);
    if (o.serving.serves_proxy()) complete_proxy(o, words);
    check(o.serving.hosting.access, o.endpoint, o.listening.options.stream);
    complete_forward(o.serving, o.tls);
    complete(o.tls, TlsOptions::Role::server, o.endpoint.value_or(Endpoint()), o.listening.options.stream);
  });
}

ExitCode run(Context& context, const ListenOptions& options) {
  const auto& conversation = options.conversation;
  auto listening = options.listening;
  auto& stream = listening.options.stream;
  const bool is_paced = conversation.rate && conversation.pass_to.empty();
  if (is_paced) stream.layers.push_back(paced(stream, *conversation.rate));
  listening.tls = make_tls(context, options.tls);
  listening.pin_file = options.tls.pin_file;
  if (listening.tls) stream.layers.push_back(tls_layer(context, listening.tls, {}, conversation.limits.idle));
  if (options.serving.are_given()) {
    auto served = conversation;
    served.program.descriptor_limit = descriptor_limit();
    serve_clients(context, options.endpoint, listening, options.serving, served);
    return ExitCode::done;
  }
  context.report.keep_standard_output_for_payload();
  ConversationSummary summary(context);
  host({.context = context,
        .endpoint = options.endpoint,
        .listening = listening,
        .options = options.serving.hosting,
        .accept_timeout = conversation.limits.accept,
        .whole_run = conversation.limits.whole_run,
        .make_service = [&] { return std::make_unique<Conversing>(context, conversation, summary); },
        .is_one = true});
  summary.complete();
  return ExitCode::done;
}

}  // namespace sockx

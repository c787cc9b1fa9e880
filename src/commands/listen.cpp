// sockx listen: accept one connection and join it to the standard streams.
#include "cli/flag_groups.hpp"
#include "commands/commands.hpp"
#include "commands/shared/conversation.hpp"
#include "commands/shared/listening.hpp"
#include "commands/shared/passing.hpp"
#include "commands/shared/serving.hpp"
#include "net/pacing.hpp"
#include "os/descriptor_limit.hpp"

namespace sockx {

namespace {

struct ListenArguments {
  std::vector<std::string> words;
  ListenFlags listening;
  ConversationOptions conversation;
  ServingOptions serving;
};

Task<> listen(Context& context, const ListenArguments& options, ConversationSummary& summary) {
  const auto& conversation = options.conversation;
  const auto accept_limit = deadline_in(conversation.limits.accept);
  AccessControl access(context, options.serving.hosting.access);
  co_await access.load();
  auto listening = options.listening;
  listening.options.deadline = accept_limit;
  std::optional<Listener> listener(co_await open_listener(context, options.words, std::move(listening)));
  auto passages = make_passages(conversation, context.report);
  co_await wait_for_readers(passages);
  std::optional<Stream> taker;
  if (!conversation.pass_to.empty()) {
    taker.emplace(co_await open_taker(conversation));
  }
  std::optional<Connection> connection;
  while (!connection) {
    connection.emplace(co_await accept(*listener, accept_limit));
    if (const auto objection = access.objection_to(*connection)) {
      tell_refused(context, connection->name(), *objection);
      connection.reset();
    }
  }
  listener.reset();  // nobody else is served, and nobody else should wait
  const auto& stream = options.listening.options.stream;
  auto layers = stream.layers;
  if (conversation.rate && !taker) layers.push_back(paced(stream, *conversation.rate));
  co_await apply_layers(layers, *connection, accept_limit);
  if (taker) {
    co_await pass_on(context, std::move(*connection), std::move(*taker));
  } else {
    co_await converse(context, std::move(*connection), conversation, std::move(passages), summary);
  }
}

}  // namespace

Run declare_listen(Flags& flags) {
  const auto options = std::make_shared<ListenArguments>();
  flags.add_words(options->words, 2, "[HOST] PORT").required(false);  // check_endpoint() knows
  add_listen_flags(flags, options->listening);
  flags.get("--source").option_text("ADDR");
  add_binding_flags(flags, options->listening);
  add_accept_timeout(flags, options->conversation.limits);
  const auto conversation =
      add_conversation_flags(flags, options->conversation, options->listening.options.stream);
  add_serving_flags(flags, options->serving, conversation);
  add_access_flags(flags, options->serving.hosting.access);
  add_activation_flags(flags, options->serving.hosting.activation);
  flags.set_examples(
      {{"sockx listen 5678", "wait on every address, IPv6 and IPv4, and talk to the first who comes"},
       {"sockx listen 5678 > received < reply", "take what comes and answer with a file"},
       {"sockx listen --port-file port.txt 127.0.0.1 0", "let the kernel choose the port, and learn it"},
       {"sockx listen --keep-open --handler echo 7", "serve many clients at once"}});
  return [options](Context& context) {
    check_endpoint(options->serving.hosting.activation, options->words);
    options->serving.hosting.access.numeric = options->listening.options.stream.numeric;
    if (options->serving.are_given()) {
      check_program(options->conversation, context);
      options->serving.until = options->conversation.until;
      const ProgramCall program{context.program, options->conversation.shell_command, descriptor_limit()};
      serve(context, options->words, options->listening, options->serving, program,
            options->conversation.limits);
      return ExitCode::done;
    }
    check(options->conversation, options->listening.options.stream, context);
    context.report.keep_standard_output_for_payload();
    ConversationSummary summary(context);
    context.run(listen(context, *options, summary), options->conversation.limits.whole_run);
    summary.complete();
    return ExitCode::done;
  };
}

}  // namespace sockx

// sockx connect: open a connection and join it to the standard streams.
#include "commands/commands.hpp"
#include "commands/shared/conversation.hpp"
#include "commands/shared/dialing.hpp"
#include "commands/shared/passing.hpp"

namespace sockx {

namespace {

struct Options {
  std::vector<std::string> words;
  StreamOptions stream;
  ConversationOptions conversation;
};

Task<> connect(Context& context, const Options& options, ConversationSummary& summary) {
  const auto endpoint = Endpoint::parse(options.words, Endpoint::Role::connecting);
  const auto& conversation = options.conversation;
  Socket taker;
  if (!conversation.pass_to.empty()) {
    taker = co_await open_taker(conversation);
  }
  auto dialed = co_await dial(endpoint, dial_options(context, options.stream, conversation.limits));
  Connection connection{std::move(dialed.socket), dialed.peer, endpoint.is_adopted()};
  if (taker) {
    co_await pass_on(context, std::move(connection), std::move(taker));
  } else {
    co_await converse(context, std::move(connection), conversation, summary);
  }
}

}  // namespace

Run declare_connect(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  add_endpoint(app, options->words, "HOST PORT");
  add_stream_flags(app, options->stream);
  add_connect_timeout(app, options->conversation.limits);
  add_conversation_flags(app, options->conversation, options->stream);
  set_examples(app,
               {{"sockx connect example.com 80", "talk to a server; the session ends when the server closes"},
                {"sockx connect 192.0.2.7:9000 < disk.img", "send a file; standard input's end becomes FIN"},
                {"sockx connect unix:/run/app.sock", "the same over a unix socket"}});
  return [options](Context& context) {
    check(options->conversation, options->stream, context);
    context.report.keep_standard_output_for_payload();
    ConversationSummary summary(context);
    context.run(connect(context, *options, summary), options->conversation.limits.whole_run);
    summary.complete();
    return ExitCode::done;
  };
}

}  // namespace sockx

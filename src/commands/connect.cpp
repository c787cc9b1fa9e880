// sockx connect: open a connection and join it to the standard streams.
#include "commands/commands.hpp"
#include "commands/shared/conversation.hpp"
#include "commands/shared/dialing.hpp"

namespace sockx {

namespace {

struct Options {
  std::vector<std::string> words;
  StreamOptions stream;
  ConversationOptions conversation;
};

Task<> connect(Context& context, const Options& options, ConversationSummary& summary) {
  auto dialed = co_await dial(Endpoint::parse(options.words, Endpoint::Role::connecting),
                              dial_options(context, options.stream, options.conversation.limits));
  co_await converse(context, std::move(dialed.socket), dialed.peer, options.conversation, summary);
}

}  // namespace

Run declare_connect(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  add_endpoint(app, options->words, "HOST PORT");
  add_stream_flags(app, options->stream);
  add_connect_timeout(app, options->conversation.limits);
  add_conversation_flags(app, options->conversation);
  set_examples(app,
               {{"sockx connect example.com 80", "talk to a server; the session ends when the server closes"},
                {"sockx connect 192.0.2.7:9000 < disk.img", "send a file; standard input's end becomes FIN"},
                {"sockx connect unix:/run/app.sock", "the same over a unix socket"}});
  return [options](Context& context) {
    context.report.keep_standard_output_for_payload();
    ConversationSummary summary(context);
    context.run(connect(context, *options, summary), options->conversation.limits.whole_run);
    return ExitCode::done;
  };
}

}  // namespace sockx

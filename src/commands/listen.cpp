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

/// Joins the connection to the standard streams, or passes it on.
class Conversing final : public Service {
 public:
  Conversing(Context& context, const ConversationOptions& options, ConversationSummary& summary)
      : context_(context),
        options_(options),
        summary_(summary),
        passages_(make_passages(options, context.report)) {}

  Task<> ready_for_next() override {
    co_await wait_for_readers(passages_);
    if (!options_.pass_to.empty()) {
      taker_.emplace(co_await open_taker(options_));
    }
  }
  Task<> serve(Connection connection, Seat) override {
    if (taker_) {
      co_await pass_on(context_, std::move(connection), std::move(*taker_));
    } else {
      co_await converse(context_, std::move(connection), options_, std::move(passages_), summary_);
    }
  }

 private:
  Context& context_;
  const ConversationOptions& options_;
  ConversationSummary& summary_;
  Passages passages_;
  std::optional<Stream> taker_;
};

void converse(Context& context, ListenArguments& options) {
  auto& conversation = options.conversation;
  auto& stream = options.listening.options.stream;
  check(conversation, stream, context);
  if (conversation.rate && conversation.pass_to.empty())
    stream.layers.push_back(paced(stream, *conversation.rate));
  context.report.keep_standard_output_for_payload();
  ConversationSummary summary(context);
  host({.context = context,
        .words = options.words,
        .listening = options.listening,
        .options = options.serving.hosting,
        .accept_timeout = conversation.limits.accept,
        .whole_run = conversation.limits.whole_run,
        .make_service = [&] { return std::make_unique<Conversing>(context, conversation, summary); },
        .is_one = true});
  summary.complete();
}

}  // namespace

Run declare_listen(Flags& flags) {
  const auto options = std::make_shared<ListenArguments>();
  flags.add_words(options->words, 2, "[HOST] PORT", false);
  add_listen_flags(flags, options->listening);
  flags.get("--source").value_name("ADDR");
  add_binding_flags(flags, options->listening);
  add_accept_timeout(flags, options->conversation.limits);
  const auto conversation =
      add_conversation_flags(flags, options->conversation, options->listening.options.stream);
  add_serving_flags(flags, options->serving, conversation);
  add_access_flags(flags, options->serving.hosting.access);
  add_activation_flags(flags, options->serving.hosting.activation);
  for (const auto* const name : {"--inetd", "--systemd"}) flags.get(name).excludes("--workers");
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
    converse(context, *options);
    return ExitCode::done;
  };
}

}  // namespace sockx

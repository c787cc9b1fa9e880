#include "commands/conversation/serve_clients.hpp"

#include <unistd.h>

#include <tuple>

#include "cli/flags.hpp"
#include "commands/conversation/filters.hpp"
#include "commands/serving/server_journal.hpp"
#include "serve/handler_service.hpp"

namespace sockx {

namespace {

/// What a handler is made for.
struct Serving {
  Context& context;
  const ServingOptions& options;
  const ConversationOptions& conversation;
  const StreamOptions& stream;
  std::shared_ptr<ClientFiltersMaker> filters = {};  // null where none is given
};
using MakeHandler = std::unique_ptr<Handler> (*)(const Serving&);

MakeClientFilters filter_of(const Serving& serving) {
  if (!serving.filters) return {};
  return [filters = serving.filters](const Client& client) {
    return filters->make(client.number, client.peer(), client.name());
  };
}

struct HandlerRow {
  std::string_view name;
  MakeHandler make;            // null for a proxy, which needs to know more
  bool joins_clients = false;  // clients reach each other: not for several processes, nor for a single client
  bool uses_standard_streams = false;  // not if standard input is the connection
  bool can_hold_lines = false;         // --lines
  bool has_local_end = false;          // --until
};

template <std::unique_ptr<Handler> (*make)()>
constexpr MakeHandler alone = [](const Serving&) { return make(); };

std::unique_ptr<Handler> stdio_of(const Serving& serving) {
  const auto& conversation = serving.conversation;
  const bool is_typed = isatty(STDIN_FILENO) != 0;
  const auto usual = conversation.send_only               ? Until::local
                     : conversation.recv_only || is_typed ? Until::peer
                                                          : Until::both;  // as in one conversation
  if (serving.filters) serving.filters->leave_bytes_as_they_are();
  return make_stdio(serving.context.loop(), {.whole_lines = serving.options.whole_lines,
                                             .until = serving.options.until.value_or(usual),
                                             .speaks = !conversation.recv_only,
                                             .hears = !conversation.send_only,
                                             .crlf = conversation.crlf,
                                             .rate = conversation.rate,
                                             .filter = filter_of(serving)});
}

std::unique_ptr<Handler> broker_of(const Serving& serving) {
  const bool speaks = !serving.options.hosting.activation.inetd;  // there standard input is the socket
  return make_broker(serving.context.loop(), {serving.options.whole_lines, speaks});
}

std::unique_ptr<Handler> chat_of(const Serving& serving) {
  return make_chat(serving.context.loop(), [&context = serving.context](const std::string& warning) {
    context.log.warn("{}", warning);
  });
}

constexpr std::array handlers{
    HandlerRow{"stdio", stdio_of, true, true, true, true},
    HandlerRow{"echo", alone<make_echo>},
    HandlerRow{"upper", alone<make_upper>},
    HandlerRow{"discard", alone<make_discard>},
    HandlerRow{"chargen", alone<make_chargen>},
    HandlerRow{"daytime", alone<make_daytime>},
    HandlerRow{"chat", chat_of, true, true},
    HandlerRow{"broker", broker_of, true, false, true},
    HandlerRow{"proxy", nullptr},
};

/// Null where a program, --forward or --send serves.
const HandlerRow* row_of(const ServingOptions& options) {
  for (const auto& row : handlers)
    if (row.name == options.handler) return &row;
  return nullptr;
}

std::unique_ptr<Handler> make_handler(const Serving& serving) {
  const auto& [context, options, conversation, stream, filters] = serving;
  JoinOptions joining;
  joining.rules.rate = conversation.rate;
  joining.filter = filter_of(serving);
  if (conversation.program.is_given())
    return make_join(make_program_end(conversation.program), std::move(joining));
  if (!options.send.empty()) return make_send(options.send);
  if (!options.forward.empty()) {
    StreamOptions dialed;
    dialed.numeric = stream.numeric;
    return make_join(make_end(options.forwarded, {context, dialed, conversation.limits, {}, ""}),
                     std::move(joining));
  }
  if (options.serves_proxy()) return proxy_of(context, options.proxy, stream.numeric, conversation.limits);
  const auto& row = *row_of(options);
  if (row.uses_standard_streams) context.report.keep_standard_output_for_payload();
  return row.make(serving);
}

/// Throws BadInput for an option of the bytes that `row` has no use for.
void check_filters(const ConversationOptions& options, const HandlerRow* row) {
  check_client_filters(options);
  if (options.rate == 0U) throw BadInput("--rate: '0': nothing would ever move; say at least 1");
  if (row == nullptr || row->has_local_end) return;
  constexpr std::string_view joined_ones = "--handler stdio, --exec, --sh and --forward";
  constexpr std::string_view bounded_ones = "--handler stdio, --exec and --sh", stdio = "--handler stdio";
  for (const auto& [name, is_given, of] : {std::tuple{"--crlf", options.crlf, joined_ones},
                                           {"--hexdump", !options.hexdump.empty(), joined_ones},
                                           {"--tee-in", !options.tee_in.empty(), joined_ones},
                                           {"--tee-out", !options.tee_out.empty(), joined_ones},
                                           {"--rate", options.rate.has_value(), bounded_ones},
                                           {"--send-only", options.send_only, stdio},
                                           {"--recv-only", options.recv_only, stdio}})
    if (is_given) throw BadInput(text("{}: it cannot be used with {}; it is for {}", name, row->name, of));
}

void check(const ServingOptions& options, const ConversationOptions& conversation) {
  const auto& program = conversation.program;
  const auto* const row = row_of(options);
  if (options.whole_lines && (row == nullptr || !row->can_hold_lines))
    throw BadInput("--lines is for the handlers stdio and broker, where the bytes of clients meet");
  if (options.until && (row == nullptr || !row->has_local_end))
    throw BadInput(
        "--until is for conversations with the standard streams: say --handler stdio, or no handler");
  if (!options.proxy.given.empty() && !options.serves_proxy())
    throw BadInput(text("{} is for --handler proxy", options.proxy.given.front()));
  const auto& upstream = options.upstream;
  if (!upstream.credentials_file.empty() && !upstream.are_given() && !options.serves_proxy())
    throw BadInput("--proxy-auth-file is for --handler proxy and --proxy");
  if (!options.dialing.empty() && !options.serves_proxy() && options.forward.empty())
    throw BadInput(text("{} is for --forward and --handler proxy", options.dialing.front()));
  check_filters(conversation, row);
  check(options.hosting);
  const auto handlers_given =
      static_cast<int>(program.is_given()) + static_cast<int>(!options.handler.empty()) +
      static_cast<int>(!options.forward.empty()) + static_cast<int>(!options.send.empty());
  if (handlers_given == 0)
    throw BadInput("say what serves the connection: --handler, --exec, --sh, --forward or --send");
  if (handlers_given > 1)
    throw BadInput("say one of --handler, --exec, --sh, --forward and --send: a client has one of them");
  if (row == nullptr) return;
  if (options.hosting.workers && row->joins_clients)
    throw BadInput(text("--workers: the clients of {} must share one process", row->name));
  if (options.hosting.activation.inetd && row->uses_standard_streams)
    throw BadInput(text("--inetd: {} uses standard input, which is the connection", row->name));
}

void reload_files(Context& context, Handler& handler) {
  try {
    handler.reload();
    context.log.info("the users of the proxy have been read again");
    context.report.event("reloaded", {});
  } catch (const std::exception& error) {
    context.log.warn("the users of the proxy are unchanged: {}", error.what());
  }
}

}  // namespace

void add_serving_flags(Flags& flags, ServingOptions& options, const std::vector<Flag>& conversation) {
  const HelpSection section(flags, "Servers");
  std::vector<std::pair<std::string, std::string>> names;
  names.reserve(handlers.size());
  for (const auto& row : handlers) names.emplace_back(row.name, row.name);
  const auto keep_open =
      flags.add_flag("-k,--keep-open", options.hosting.keep_open, "accept further connections, many at once");
  const auto handler =
      flags.add_choice("--handler", options.handler, names, "the built-in service for each connection");
  const auto chat = flags.add_flag(
      "--chat", [&options] { options.handler = "chat"; }, "the same as --handler chat");
  const auto broker = flags.add_flag(
      "--broker", [&options] { options.handler = "broker"; }, "the same as --handler broker");
  flags.add_flag("--lines", options.whole_lines,
                 "with stdio and broker: do not mix parts of lines from different clients");
  const auto forward = flags.add_text("--forward", options.forward, "END",
                                      "open END for each connection and join the two; END is ENDPOINT, "
                                      "tls:ENDPOINT, append:FILE or another of sockx-relay(1)",
                                      ValueKind::relay_end);
  add_send_proxy_flag(flags, options.send_proxy, "the client's addresses").needs(forward);
  const auto send = flags.add_file("--send", options.send, "send FILE to each client");
  add_proxy_flags(flags, options.upstream, true).needs(forward);
  add_admission_flags(flags, options.hosting);
  chat.excludes(handler).excludes(broker);
  broker.excludes(handler);
  const auto workers = flags
                           .add_number("--workers", options.hosting.workers, 1, 1024,
                                       "serve with N processes that share the port")
                           .excludes("--accept-timeout");
  const std::vector<std::string> of_servers_too{"--deadline", "--idle-timeout", "--exec", "--sh", "--until"};
  const std::vector<std::string> of_bytes{"--crlf", "--hexdump", "--tee-in", "--tee-out"};
  const std::vector<std::string> of_one_side{"--send-only", "--recv-only"};
  const auto together = [](std::vector<std::string> some, const std::vector<std::string>& more) {
    some.insert(some.end(), more.begin(), more.end());
    return some;
  };
  const auto of_forward = together(of_servers_too, of_bytes);
  const auto of_stdio = together(together(of_forward, of_one_side), {"--rate"});
  for (const auto option : {keep_open, handler}) exclude_each(conversation, option, of_stdio);
  exclude_each(conversation, forward, of_forward);
  for (const auto option : {chat, broker, send, workers}) exclude_each(conversation, option, of_servers_too);
}

void complete(ServingOptions& options, const ConversationOptions& conversation) {
  const auto& program = conversation.program;
  if (options.hosting.keep_open && options.handler.empty() && options.forward.empty() &&
      options.send.empty() && !program.is_given())
    options.handler = "stdio";
  const auto* const row = row_of(options);
  options.hosting.keep_open = options.hosting.keep_open || (row != nullptr && row->joins_clients);
  check(options, conversation);
}

void complete_forward(ServingOptions& options, TlsFlags& serving) {
  const auto& word = options.forward;
  if (word.empty()) return;
  constexpr std::string_view tls = "tls:";
  options.forwarded = word.starts_with(tls) ? parse_tls_end(word.substr(tls.size()), EndPlace::second,
                                                            take_client_part(serving))
                                            : parse_end(word, EndPlace::second);
  const auto& end = options.forwarded;
  if (word.starts_with("sh:"))
    throw BadInput(text("--forward: '{}': to join each connection to a command say --sh COMMAND", word));
  if (end.runs_given_program)
    throw BadInput("--forward: 'exec': to join each connection to a program say --exec -- PROGRAM ARG...");
  if (end.uses_standard_streams)
    throw BadInput("--forward: '-': for the standard streams say --handler stdio");
  if (end.listened)
    throw BadInput(text("--forward: '{}': that end waits for a client of its own: say ENDPOINT", word));
  if (options.hosting.keep_open) check_end_of_many(end, word);
  // The proxy of the environment may be one of https, too.
  const bool may_need_tls =
      options.upstream.have_https() || (options.upstream.from_environment && !serving.is_on);
  TlsFlags of_proxy;
  if (may_need_tls && !word.starts_with(tls)) {
    of_proxy = take_client_part(serving);
    of_proxy.is_on = false;  // the target has none
  }
  go_by_proxies(options.forwarded, word, options.upstream, std::move(of_proxy));
  if (options.send_proxy && !end.dialed)
    throw BadInput(text("--send-proxy: '{}' is not an outgoing connection: say --forward ENDPOINT", word));
  if (options.send_proxy) options.forwarded.dialed->send_proxy = options.send_proxy;
}

void serve_clients(Context& context, const std::optional<Endpoint>& endpoint,
                   const ListeningOptions& listening, const ServingOptions& options,
                   const ConversationOptions& conversation) {
  const auto& limits = conversation.limits;
  Serving serving{context, options, conversation, listening.options.stream};
  if (ClientFiltersMaker::are_given(conversation))
    serving.filters = std::make_shared<ClientFiltersMaker>(conversation, context.report);
  const auto handler = make_handler(serving);
  const auto side_files = serving.filters ? serving.filters->descriptors() : 0;
  const bool is_one = !options.hosting.keep_open;
  const auto make_service = [&]() -> std::unique_ptr<Service> {
    HandlerServiceOptions rules{is_one, limits.idle, ends_by_signal(context), ServerJournal(context)};
    return std::make_unique<HandlerService>(context.loop(), *handler, std::move(rules));
  };
  std::function<void()> reload;
  if (handler->has_files()) reload = [&] { reload_files(context, *handler); };
  std::function<void(const Address&)> check_address = [](const Address&) {};
  if (options.serves_proxy())
    check_address = [&](const Address& address) { check_exposure(options.proxy, address); };
  host({.context = context,
        .endpoint = endpoint,
        .listening = listening,
        .options = options.hosting,
        .accept_timeout = limits.accept,
        .whole_run = limits.whole_run,
        .make_service = make_service,
        .is_one = is_one,
        .descriptors = handler->descriptors() + side_files,
        .reload = std::move(reload),
        .check_address = std::move(check_address)});
}

}  // namespace sockx

#include "commands/conversation/serve_clients.hpp"

#include <unistd.h>

#include "cli/flags.hpp"
#include "commands/conversation/conversation_options.hpp"
#include "commands/serving/server_journal.hpp"
#include "commands/stream/dialing.hpp"
#include "net/stream/layers.hpp"
#include "serve/handler_service.hpp"

namespace sockx {

namespace {

using MakeHandler = std::unique_ptr<Handler> (*)(Context&, const ServingOptions&);

/// A client that waits for its connection has a limit, but a network such as Tor takes its time.
constexpr Duration time_for_proxies = std::chrono::seconds(60);

struct HandlerRow {
  std::string_view name;
  MakeHandler make;            // null for a proxy, which needs to know more
  bool joins_clients = false;  // clients reach each other: not for several processes, nor for a single client
  bool uses_standard_streams = false;  // not if standard input is the connection
  bool can_hold_lines = false;         // --lines
  bool has_local_end = false;          // --until
};

template <std::unique_ptr<Handler> (*make)()>
constexpr MakeHandler alone = [](Context&, const ServingOptions&) { return make(); };

std::unique_ptr<Handler> stdio_of(Context& context, const ServingOptions& options) {
  const bool is_typed = isatty(STDIN_FILENO) != 0;
  const auto usual = is_typed ? Until::peer : Until::both;  // as in one conversation
  return make_stdio(context.loop(), {options.whole_lines, options.until.value_or(usual)});
}

std::unique_ptr<Handler> broker_of(Context& context, const ServingOptions& options) {
  const bool speaks = !options.hosting.activation.inetd;  // there standard input is the socket
  return make_broker(context.loop(), {options.whole_lines, speaks});
}

std::unique_ptr<Handler> chat_of(Context& context, const ServingOptions&) {
  return make_chat(context.loop(),
                   [&context](const std::string& warning) { context.log.warn("{}", warning); });
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

std::unique_ptr<Handler> make_handler(Context& context, const ServingOptions& options,
                                      const StreamOptions& stream, const ProgramCall& program,
                                      const TimeLimits& limits) {
  if (program.is_given()) return make_join(make_program_end(program));
  if (!options.send.empty()) return make_send(options.send);
  if (!options.forward.empty()) {
    StreamOptions dialed;
    dialed.numeric = stream.numeric;
    auto endpoint = Endpoint::parse({options.forward}, Endpoint::Role::connecting);
    dial_with_header(options.send_proxy, dialed);
    dial_by_tls(context, options.forward_tls, endpoint, dialed, time_for_layers);
    auto route = make_route(context, options.forward_proxy, time_for_proxies);
    return make_join(make_dialed_end({std::move(endpoint), dial_options(context, dialed, std::move(route)),
                                      limits.connect, options.send_proxy.has_value()}));
  }
  if (options.serves_proxy()) return proxy_of(context, options.proxy, stream.numeric, limits);
  const auto& row = *row_of(options);
  if (row.uses_standard_streams) context.report.keep_standard_output_for_payload();
  return row.make(context, options);
}

void check(const ServingOptions& options, const ProgramCall& program) {
  const auto* const row = row_of(options);
  if (options.whole_lines && (row == nullptr || !row->can_hold_lines))
    throw BadInput("--lines is for the handlers stdio and broker, where the bytes of clients meet");
  if (options.until && (row == nullptr || !row->has_local_end))
    throw BadInput(
        "--until is for conversations with the standard streams: say --handler stdio, or no handler");
  if (!options.proxy.given.empty() && !options.serves_proxy())
    throw BadInput(text("{} is for --handler proxy", options.proxy.given.front()));
  const auto& upstream = options.forward_proxy;
  if (!upstream.credentials_file.empty() && !upstream.are_given() && !options.serves_proxy())
    throw BadInput("--proxy-auth-file is for --handler proxy and --proxy");
  if (!options.dialing.empty() && !options.serves_proxy() && options.forward.empty())
    throw BadInput(text("{} is for --forward and --handler proxy", options.dialing.front()));
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
    context.log.warn("the users of the proxy stay as they were: {}", error.what());
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
  const auto handler = flags.add_choice("--handler", options.handler, names, "what serves each connection");
  const auto chat = flags.add_flag(
      "--chat", [&options] { options.handler = "chat"; }, "the same as --handler chat");
  const auto broker = flags.add_flag(
      "--broker", [&options] { options.handler = "broker"; }, "the same as --handler broker");
  flags.add_flag("--lines", options.whole_lines,
                 "with stdio and broker: keep the lines of each client whole");
  const auto forward =
      flags.add_text("--forward", options.forward, "ENDPOINT",
                     "join each connection to one with ENDPOINT; tls:ENDPOINT: by TLS", ValueKind::endpoint);
  add_send_proxy_flag(flags, options.send_proxy, "the client's addresses").needs(forward);
  const auto send = flags.add_file("--send", options.send, "send FILE to each client");
  add_proxy_flags(flags, options.forward_proxy, true).needs(forward);
  add_admission_flags(flags, options.hosting);
  chat.excludes(handler).excludes(broker);
  broker.excludes(handler);
  const auto workers = flags
                           .add_number("--workers", options.hosting.workers, 1, 1024,
                                       "serve with N processes that share the port")
                           .excludes("--accept-timeout");
  const std::vector<std::string> of_servers_too{"--deadline", "--idle-timeout", "--exec", "--sh", "--until"};
  for (const auto option : {keep_open, handler, chat, broker, forward, send, workers})
    exclude_each(conversation, option, of_servers_too);
}

void complete(ServingOptions& options, const ProgramCall& program) {
  if (options.hosting.keep_open && options.handler.empty() && options.forward.empty() &&
      options.send.empty() && !program.is_given())
    options.handler = "stdio";
  const auto* const row = row_of(options);
  options.hosting.keep_open = options.hosting.keep_open || (row != nullptr && row->joins_clients);
  check(options, program);
}

void serve_clients(Context& context, const std::optional<Endpoint>& endpoint,
                   const ListeningOptions& listening, const ServingOptions& options,
                   const ProgramCall& program, const TimeLimits& limits) {
  const auto handler = make_handler(context, options, listening.options.stream, program, limits);
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
        .descriptors = handler->descriptors(),
        .reload = std::move(reload),
        .check_address = std::move(check_address)});
}

}  // namespace sockx

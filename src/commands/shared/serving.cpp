#include "commands/shared/serving.hpp"

#include <csignal>

#include "cli/flags.hpp"
#include "commands/shared/conversation_options.hpp"
#include "commands/shared/dialing.hpp"
#include "os/descriptor_limit.hpp"
#include "serve/server.hpp"

namespace sockx {

namespace {

using MakeHandler = std::unique_ptr<Handler> (*)(EventLoop&, const ServingOptions&);

struct HandlerRow {
  std::string_view name;
  MakeHandler make;
  bool keeps_open = false;      // makes no sense with one client
  bool takes_streams = false;   // standard output carries payload
  bool can_hold_lines = false;  // --lines
};

template <std::unique_ptr<Handler> (*make)()>
constexpr MakeHandler alone = [](EventLoop&, const ServingOptions&) { return make(); };

constexpr std::array handlers{
    HandlerRow{
        "stdio",
        [](EventLoop& loop, const ServingOptions& options) { return make_stdio(loop, options.whole_lines); },
        true, true, true},
    HandlerRow{"echo", alone<make_echo>},
    HandlerRow{"upper", alone<make_upper>},
    HandlerRow{"discard", alone<make_discard>},
    HandlerRow{"chargen", alone<make_chargen>},
    HandlerRow{"daytime", alone<make_daytime>},
    HandlerRow{"chat", [](EventLoop& loop, const ServingOptions&) { return make_chat(loop); }, true, true},
    HandlerRow{
        "broker",
        [](EventLoop& loop, const ServingOptions& options) { return make_broker(loop, options.whole_lines); },
        true, false, true},
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
  if (program.is_given()) return make_exec(program);
  if (!options.send.empty()) return make_send(options.send);
  if (!options.forward.empty()) {
    StreamOptions dialed;
    dialed.numeric = stream.numeric;
    auto endpoint = Endpoint::parse({options.forward}, Endpoint::Role::connecting);
    return make_forward({std::move(endpoint), dial_options(context, dialed), limits.connect});
  }
  const auto& row = *row_of(options);
  if (row.takes_streams) context.report.keep_standard_output_for_payload();
  return row.make(context.loop(), options);
}

/// What happens to the clients, in the log and as events.
class Journal {
 public:
  explicit Journal(Context& context) : context_(context) {}

  void operator()(const ServerEvent& event) const {
    switch (event.kind) {
      case ServerEvent::Kind::accepted:
        return note_accepted(event);
      case ServerEvent::Kind::closed:
        return note_closed(event);
      case ServerEvent::Kind::refused:
        context_.log.info("{} was turned away: {}", event.peer, event.reason);
        return context_.report.event(
            "refused", {{"peer", std::string(event.peer)}, {"reason", std::string(event.reason)}});
      case ServerEvent::Kind::shortage:
        context_.log.warn("{}: new connections wait until one of {} ends", event.reason, event.connections);
        return context_.report.event("shortage", {{"reason", std::string(event.reason)}});
      case ServerEvent::Kind::draining:
        context_.log.info("no more connections are accepted; {} are left", event.connections);
        return context_.report.event("draining", {{"connections", event.connections}});
    }
  }

 private:
  void note_accepted(const ServerEvent& event) const {
    const auto& client = *event.client;
    context_.log.info("connection {} from {}", client.number, client.name());
    if (!context_.report.has_events()) return;
    context_.report.event(
        "accepted", {{"number", client.number}, {"peer", client.name()}, {"connections", event.connections}});
  }

  void note_closed(const ServerEvent& event) const {
    const auto& client = *event.client;
    const auto span = Clock::now() - client.begun;
    const auto told =
        text("connection {} from {} closed after {}: received {} bytes, sent {} bytes: {}", client.number,
             client.name(), show_duration(span), client.tally.received, client.tally.sent, event.reason);
    if (event.is_failure)
      context_.log.warn("{}", told);
    else
      context_.log.info("{}", told);
    if (!context_.report.has_events()) return;
    context_.report.event("closed", {{"number", client.number},
                                     {"peer", client.name()},
                                     {"received", client.tally.received},
                                     {"sent", client.tally.sent},
                                     {"seconds", seconds(span)},
                                     {"reason", std::string(event.reason)},
                                     {"complete", event.is_complete}});
  }

  Context& context_;
};

/// As many as there are descriptors for, beside a few that are open already.
std::size_t most_connections(const ServingOptions& options, const Handler& handler) {
  constexpr std::size_t reserve = 16;
  const auto limit = raise_descriptor_limit();
  const auto room = limit > reserve ? (limit - reserve) / (1 + handler.descriptors()) : 0;
  return static_cast<std::size_t>(
      std::min<std::uint64_t>(options.most.value_or(room), std::max<std::size_t>(room, 1)));
}

/// The server while it runs, for the signals that it heeds.
struct Running {
  Server* server = nullptr;
  int drained_by = 0;  // the signal
};

Task<> run_server(Context& context, std::vector<std::string> words, ListenFlags listening,
                  const ServingOptions& options, Handler& handler, TimeLimits limits, Running& running) {
  const auto accept_limit = deadline_in(limits.accept);
  listening.options.deadline = accept_limit;
  std::vector<Listener> listeners;
  listeners.push_back(co_await open_listener(context, std::move(words), std::move(listening)));
  ServerOptions rules;
  rules.most = most_connections(options, handler);
  rules.rejects = options.rejects;
  rules.idle_timeout = limits.idle;
  rules.drain_timeout = options.drain_timeout;
  rules.tell = Journal(context);
  Server server(context.loop(), std::move(listeners), handler, std::move(rules));
  running.server = &server;
  if (options.keep_open) {
    co_await server.run();
  } else {
    co_await server.run_once(accept_limit);
  }
}

/// What the options come to: the handler that is the default, and whether the server stays.
ServingOptions completed(ServingOptions options, const ProgramCall& program) {
  if (options.keep_open && options.handler.empty() && options.forward.empty() && options.send.empty() &&
      !program.is_given())
    options.handler = "stdio";
  const auto* const row = row_of(options);
  options.keep_open = options.keep_open || (row != nullptr && row->keeps_open);
  return options;
}

void check(const ServingOptions& options, const ProgramCall& program) {
  const bool is_server = options.keep_open;
  const auto* const row = row_of(options);
  if (options.whole_lines && (row == nullptr || !row->can_hold_lines))
    throw BadInput("--lines is for the handlers stdio and broker, where the bytes of clients meet");
  if (options.most == 0U) throw BadInput("--max-conns: '0': nobody would be served; say at least 1");
  for (const auto& [name, given] : {std::pair{"--max-conns", options.most.has_value()},
                                    {"--reject", options.rejects},
                                    {"--drain-timeout", options.drain_timeout.has_value()}})
    if (given && !is_server) throw BadInput(text("{} is for --keep-open", name));
  const auto handlers_given =
      static_cast<int>(program.is_given()) + static_cast<int>(!options.handler.empty()) +
      static_cast<int>(!options.forward.empty()) + static_cast<int>(!options.send.empty());
  if (handlers_given > 1)
    throw BadInput("say one of --handler, --exec, --sh, --forward and --send: a client has one of them");
}

}  // namespace

void add_serving_flags(CLI::App& app, ServingOptions& options,
                       const std::vector<CLI::Option*>& conversation) {
  const HelpSection section(app, "Servers");
  std::vector<std::pair<std::string, std::string>> names;
  for (const auto& row : handlers) names.emplace_back(row.name, row.name);
  auto* const keep_open =
      app.add_flag("-k,--keep-open", options.keep_open, "go on with further connections, many at once");
  auto* const handler = add_choice(app, "--handler", options.handler, names, "what serves each connection");
  auto* const chat = app.add_flag_callback(
      "--chat", [&options] { options.handler = "chat"; }, "the same as --handler chat");
  auto* const broker = app.add_flag_callback(
      "--broker", [&options] { options.handler = "broker"; }, "the same as --handler broker");
  app.add_flag("--lines", options.whole_lines, "with stdio and broker: keep the lines of each client whole");
  auto* const forward =
      app.add_option("--forward", options.forward, "join each connection to one with ENDPOINT")
          ->option_text("ENDPOINT")
          ->check(not_empty());
  auto* const send = app.add_option("--send", options.send, "send FILE to whoever connects")
                         ->option_text("FILE")
                         ->check(not_empty());
  app.add_option("--max-conns", options.most, "serve at most N connections at once; the rest wait")
      ->option_text("N");
  app.add_flag("--reject", options.rejects, "close connections beyond --max-conns at once");
  add_duration(app, "--drain-timeout", options.drain_timeout,
               "at SIGTERM accept nobody else, and wait so long for the connections to end");
  chat->excludes(handler)->excludes(broker);
  broker->excludes(handler);
  for (auto* const option : {keep_open, handler, chat, broker, forward, send})
    exclude_each(conversation, option, {"--deadline", "--idle-timeout", "--exec", "--sh"});
}

void serve(Context& context, const std::vector<std::string>& words, const ListenFlags& listening,
           const ServingOptions& given, const ProgramCall& program, const TimeLimits& limits) {
  const auto options = completed(given, program);
  check(options, program);
  const auto handler = make_handler(context, options, listening.options.stream, program, limits);
  Running running;
  const auto heed = [&](int signal) {
    if (signal != SIGTERM || !options.drain_timeout || running.server == nullptr || running.drained_by != 0)
      return false;
    running.drained_by = signal;
    running.server->drain();
    return true;
  };
  context.run(run_server(context, words, listening, options, *handler, limits, running), limits.whole_run,
              heed);
  if (running.drained_by != 0) throw Interrupted(running.drained_by);
}

}  // namespace sockx

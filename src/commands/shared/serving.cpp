#include "commands/shared/serving.hpp"

#include <unistd.h>

#include <csignal>

#include "cli/flags.hpp"
#include "commands/shared/conversation_options.hpp"
#include "commands/shared/dialing.hpp"
#include "commands/shared/server_journal.hpp"
#include "os/descriptor_limit.hpp"
#include "serve/server.hpp"
#include "serve/workers.hpp"

namespace sockx {

namespace {

using MakeHandler = std::unique_ptr<Handler> (*)(Context&, const ServingOptions&);

struct HandlerRow {
  std::string_view name;
  MakeHandler make;
  bool joins_clients = false;  // what one says reaches others: not for several processes, nor for one client
  bool uses_standard_streams = false;  // not where standard input is the connection
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
  const bool speaks = !options.activation.inetd;  // there standard input is the socket
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
  if (row.uses_standard_streams) context.report.keep_standard_output_for_payload();
  return row.make(context, options);
}

/// As many as there are descriptors for, beside a few that are open already.
std::size_t most_connections(const ServingOptions& options, const Handler& handler) {
  constexpr std::size_t reserve = 16;
  const auto limit = raise_descriptor_limit();
  const auto room = limit > reserve ? (limit - reserve) / (1 + handler.descriptors()) : 0;
  return static_cast<std::size_t>(
      std::min<std::uint64_t>(options.most.value_or(room), std::max<std::size_t>(room, 1)));
}

/// What is known before there is a loop.
struct Plan {
  Context& context;
  const std::vector<std::string>& words;
  const ListenFlags& listening;
  const ServingOptions& options;
  const TimeLimits& limits;
  std::unique_ptr<Handler> handler;
};

/// The part of a worker: its socket, and the rules that its parent has read.
struct Share {
  const Workers* workers = nullptr;  // none where this process is the only one
  Socket socket = {};
  std::optional<AccessList> rules = {};
};

/// The server while it runs, for the signals that it heeds.
struct Running {
  Server* server = nullptr;
  AccessControl* access = nullptr;
  Activation* activation = nullptr;
  int drained_by = 0;  // the signal

  bool heeds(const ServingOptions& options, int signal) {
    if (access != nullptr && access->heeds(signal)) return true;
    if (signal != SIGTERM || !options.drain_timeout || server == nullptr || drained_by != 0) return false;
    drained_by = signal;
    activation->stopping();
    server->drain();
    return true;
  }
};

ServerOptions server_options(const Plan& plan, const AccessControl& access) {
  ServerOptions rules;
  rules.most = most_connections(plan.options, *plan.handler);
  rules.rejects = plan.options.rejects;
  rules.idle_timeout = plan.limits.idle;
  rules.drain_timeout = plan.options.drain_timeout;
  rules.ends_by_signal = [&context = plan.context] {
    const int signal = context.caught_signal();
    return signal != 0 && signal != Workers::deadline_signal;
  };
  rules.refuses = [&access](const Connection& connection) { return access.objection_to(connection); };
  rules.tell = ServerJournal(plan.context);
  rules.layers = plan.listening.options.stream.layers;
  return rules;
}

ListenFlags listening_until(const Plan& plan, Deadline deadline) {
  auto listening = plan.listening;
  listening.options.deadline = deadline;
  return listening;
}

Task<> run_server(const Plan& plan, Share share, Activation& activation, Running& running) {
  auto& context = plan.context;
  if (share.workers != nullptr) share.workers->let_signals_in();
  AccessControl access(context, plan.options.access, std::move(share.rules));
  running.access = &access;
  co_await access.load();  // of a worker, whose rules may have changed since its parent read them, too
  const auto accept_limit = deadline_in(plan.limits.accept);
  auto listening = listening_until(plan, accept_limit);
  Activated opened;
  if (share.workers != nullptr) {
    opened.listeners.emplace_back(context.loop(), std::move(share.socket), listening.options);
  } else if (plan.options.activation.are_given()) {
    opened = activation.open(context.loop(), listening);
  } else {
    auto words = plan.words;
    opened.listeners.push_back(co_await open_listener(context, std::move(words), std::move(listening)));
  }
  const bool is_one_client = !plan.options.keep_open;
  if (opened.connection && !is_one_client)
    throw BadInput("--keep-open: the socket is one connection, and no others come: leave it out");
  if (is_one_client && opened.listeners.size() > 1)
    throw BadInput(
        text("LISTEN_FDS: '{}': several sockets that listen: say --keep-open", opened.listeners.size()));
  Server server(context.loop(), std::move(opened.listeners), *plan.handler, server_options(plan, access));
  running.server = &server;
  activation.ready();
  std::vector<Task<>> tasks;
  tasks.push_back(access.attend());
  if (opened.connection) {
    tasks.push_back(server.run_with(std::move(*opened.connection)));
  } else if (is_one_client) {
    tasks.push_back(server.run_once(accept_limit));
  } else {
    if (plan.limits.accept) tasks.push_back(server.watch_for_quiet(*plan.limits.accept));
    tasks.push_back(server.run());
  }
  co_await any(std::move(tasks));
}

/// Binds before there are several processes, and reads the rules: what is wrong is told once.
Task<> prepare_workers(const Plan& plan, std::vector<Socket>& sockets, std::optional<AccessList>& rules) {
  AccessControl access(plan.context, plan.options.access);
  co_await access.load();
  auto words = plan.words;
  auto listening = listening_until(plan, deadline_in(plan.limits.accept));
  sockets =
      co_await open_shared_port(plan.context, std::move(words), std::move(listening), *plan.options.workers);
  rules = access.list();
}

WorkersOptions workers_options(const Plan& plan, std::vector<Socket>& sockets) {
  auto& context = plan.context;
  WorkersOptions rules;
  rules.count = *plan.options.workers;
  rules.deadline = plan.limits.whole_run;
  rules.outlive_hang_up = plan.options.access.have_files();
  rules.tell_started = [&context](unsigned number, pid_t pid) {
    context.log.info("worker {} is process {}", number + 1, pid);
    context.report.event("worker", {{"worker", number + 1}, {"pid", pid}});
    context.report.throw_failure();  // no loop runs here that would
  };
  rules.tell_died = [&context](unsigned number, const ChildEnd& end) {
    context.log.warn("worker {} {}: another takes its place", number + 1, end.to_string());
  };
  rules.stop = [&sockets] { sockets.clear(); };  // or else clients would wait for nobody
  return rules;
}

void check_together(const ServingOptions& options) {
  if (options.workers && !options.keep_open) throw BadInput("--workers is for --keep-open");
  for (const auto& row : handlers) {
    if (row.name != options.handler) continue;
    if (options.workers && row.joins_clients)
      throw BadInput(text("--workers: the clients of {} must share one process", row.name));
    if (options.activation.inetd && row.uses_standard_streams)
      throw BadInput(text("--inetd: {} uses standard input, which is the connection", row.name));
  }
}

/// What the options come to: the handler that is the default, and whether the server stays.
ServingOptions completed(ServingOptions options, const ProgramCall& program) {
  if (options.keep_open && options.handler.empty() && options.forward.empty() && options.send.empty() &&
      !program.is_given())
    options.handler = "stdio";
  const auto* const row = row_of(options);
  options.keep_open = options.keep_open || (row != nullptr && row->joins_clients);
  return options;
}

void check(const ServingOptions& options, const ProgramCall& program) {
  const bool is_server = options.keep_open;
  const auto* const row = row_of(options);
  if (options.whole_lines && (row == nullptr || !row->can_hold_lines))
    throw BadInput("--lines is for the handlers stdio and broker, where the bytes of clients meet");
  if (options.until && (row == nullptr || !row->has_local_end))
    throw BadInput(
        "--until is for conversations with the standard streams: say --handler stdio, or no handler");
  for (const auto& [name, given] : {std::pair{"--max-conns", options.most.has_value()},
                                    {"--reject", options.rejects},
                                    {"--drain-timeout", options.drain_timeout.has_value()}})
    if (given && !is_server) throw BadInput(text("{} is for --keep-open", name));
  const auto handlers_given =
      static_cast<int>(program.is_given()) + static_cast<int>(!options.handler.empty()) +
      static_cast<int>(!options.forward.empty()) + static_cast<int>(!options.send.empty());
  if (handlers_given == 0)
    throw BadInput("say what serves the connection: --handler, --exec, --sh, --forward or --send");
  if (handlers_given > 1)
    throw BadInput("say one of --handler, --exec, --sh, --forward and --send: a client has one of them");
  check_together(options);
}

}  // namespace

void add_serving_flags(Flags& flags, ServingOptions& options, const std::vector<Flag>& conversation) {
  const HelpSection section(flags, "Servers");
  std::vector<std::pair<std::string, std::string>> names;
  names.reserve(handlers.size());
  for (const auto& row : handlers) names.emplace_back(row.name, row.name);
  const auto keep_open =
      flags.add_flag("-k,--keep-open", options.keep_open, "go on with further connections, many at once");
  const auto handler = flags.add_choice("--handler", options.handler, names, "what serves each connection");
  const auto chat = flags.add_flag(
      "--chat", [&options] { options.handler = "chat"; }, "the same as --handler chat");
  const auto broker = flags.add_flag(
      "--broker", [&options] { options.handler = "broker"; }, "the same as --handler broker");
  flags.add_flag("--lines", options.whole_lines,
                 "with stdio and broker: keep the lines of each client whole");
  const auto forward =
      flags.add_option("--forward", options.forward, "join each connection to one with ENDPOINT")
          .option_text("ENDPOINT")
          .not_empty();
  const auto send = flags.add_option("--send", options.send, "send FILE to whoever connects")
                        .option_text("FILE")
                        .not_empty();
  flags.add_count("--max-conns", options.most, "serve at most N connections at once; the rest wait");
  flags.add_flag("--reject", options.rejects, "close connections beyond --max-conns at once");
  flags.add_duration("--drain-timeout", options.drain_timeout,
                     "at SIGTERM accept nobody else, and wait so long for the connections to end");
  chat.excludes(handler).excludes(broker);
  broker.excludes(handler);
  const auto workers =
      flags.add_option("--workers", options.workers, "serve by N processes that share the port")
          .option_text("N")
          .range(1, 1024)
          .excludes("--accept-timeout");
  const std::vector<std::string> of_servers_too{"--deadline", "--idle-timeout", "--exec", "--sh", "--until"};
  for (const auto option : {keep_open, handler, chat, broker, forward, send, workers})
    exclude_each(conversation, option, of_servers_too);
}

void serve(Context& context, const std::vector<std::string>& words, const ListenFlags& listening,
           const ServingOptions& given, const ProgramCall& program, const TimeLimits& limits) {
  const auto options = completed(given, program);
  check(options, program);
  const Plan plan{context, words,  listening,
                  options, limits, make_handler(context, options, listening.options.stream, program, limits)};
  Activation activation(context, options.activation);
  SignalCatcher::Rules signals;
  if (options.access.have_files()) signals.repeatable = SIGHUP;
  auto deadline = limits.whole_run;
  std::vector<Socket> sockets;
  std::optional<Workers> workers;
  Share share;
  if (options.workers) {
    context.run(prepare_workers(plan, sockets, share.rules), limits.whole_run);
    context.drop_loop();
    workers.emplace(workers_options(plan, sockets));
    const auto number = workers->start();
    if (!number && workers->signal() != 0) throw Interrupted(workers->signal());
    if (!number) throw TimedOut(text("the deadline of {:g} s has passed", seconds(*limits.whole_run)));
    share.workers = &*workers;
    share.socket = std::move(sockets.at(*number));
    sockets.clear();
    signals.pipe = workers->pipe();
    deadline.reset();
  }
  Running running{.activation = &activation};
  const auto heed = [&](int signal) { return running.heeds(options, signal); };
  context.run(run_server(plan, std::move(share), activation, running), deadline, heed, signals);
  if (running.drained_by != 0) throw Interrupted(running.drained_by);
}

}  // namespace sockx

#include "commands/serving/hosting.hpp"

#include <csignal>

#include "base/on_exit.hpp"
#include "cli/flags.hpp"
#include "commands/serving/server_journal.hpp"
#include "serve/workers.hpp"

namespace sockx {

namespace {

/// As many as there are descriptors for, except for a few that are open already.
std::size_t most_connections(const Hosting& hosting) {
  constexpr std::size_t others = 16;
  const auto limit = descriptor_limit();
  const auto room = limit > others ? (limit - others) / (1 + hosting.descriptors) : 0;
  const auto most = std::max<std::uint64_t>(room, 1);
  return static_cast<std::size_t>(std::min(hosting.options.most.value_or(most), most));
}

/// The part of a worker: its socket, and the rules that its parent has read.
struct Share {
  const Workers* workers = nullptr;  // null if this is the only process
  Socket socket = {};
  std::optional<AccessList> rules = {};
};

/// Whether SIGHUP has the server read files again, and does not end it.
bool outlives_hang_up(const Hosting& hosting) {
  const auto& tls = hosting.listening.tls;
  const auto& options = hosting.options;
  return options.keep_open &&
         (options.access.have_files() || (tls && !tls->is_ephemeral()) || hosting.reload != nullptr);
}

/// For the connections from now on. Returns whether there is a certificate to read.
bool reload_certificate(const Hosting& hosting) {
  const auto& tls = hosting.listening.tls;
  if (!outlives_hang_up(hosting) || !tls || tls->is_ephemeral()) return false;
  auto& log = hosting.context.log;
  try {
    tls->reload();
    log.info("the certificate has been read again: {}", tls->pin());
  } catch (const std::exception& error) {
    log.warn("the certificate is unchanged: {}", error.what());
  }
  return true;
}

/// The server while it runs, for signals.
struct Running {
  Server* server = nullptr;
  AccessControl* access = nullptr;
  Activation* activation = nullptr;

  bool handle_signal(const Hosting& hosting, int signal, int& drained_by) {
    const auto& options = hosting.options;
    const bool is_reloaded = signal == SIGHUP && reload_certificate(hosting);
    const bool has_own_files = signal == SIGHUP && options.keep_open && hosting.reload != nullptr;
    if (has_own_files) hosting.reload();
    const bool is_handled = options.keep_open && access != nullptr && access->handle_signal(signal);
    if (is_reloaded || has_own_files || is_handled) return true;
    if (signal != SIGTERM || !options.drain_timeout || server == nullptr || drained_by != 0) return false;
    drained_by = signal;
    activation->stopping();
    server->drain();
    return true;
  }
};

ServerOptions server_options(const Hosting& hosting, const AccessControl& access) {
  ServerOptions rules;
  if (hosting.options.keep_open) rules.most = most_connections(hosting);
  rules.rejects = hosting.options.rejects;
  rules.reserved = hosting.reserved;
  rules.waits_at_shortage = hosting.options.keep_open;
  rules.drain_timeout = hosting.options.drain_timeout;
  rules.grace = hosting.grace;
  rules.reason_to_refuse = [&access](const Connection& connection) {
    return access.reason_to_refuse(connection);
  };
  if (!hosting.options.access.proxies.empty())
    rules.admission = [&access](Connection& connection, Deadline deadline) {
      return access.admit(connection, deadline);
    };
  rules.tell = ServerJournal(hosting.context);
  rules.layers = hosting.listening.options.stream.layers;
  rules.deadline = hosting.accept_deadline;
  return rules;
}

Deadline accept_limit(const Hosting& hosting) {
  return std::min(hosting.accept_deadline, deadline_in(hosting.accept_timeout));
}

ListeningOptions listening_until(const Hosting& hosting, Deadline deadline) {
  auto listening = hosting.listening;
  listening.options.deadline = deadline;
  return listening;
}

Task<> serve_given(Server& server, Connection connection, bool must_serve) {
  const bool is_served = co_await server.run_with(std::move(connection));
  if (!is_served && must_serve) throw std::runtime_error("the connection was turned away");
}

Task<> run_server(const Hosting& hosting, Share share, Activation& activation, Running& running) {
  auto& context = hosting.context;
  const bool keeps_open = hosting.options.keep_open;
  if (share.workers != nullptr) share.workers->let_signals_in();
  if (keeps_open) raise_descriptor_limit();
  const OnExit none_runs([&running] { running = {}; });
  AccessControl access(context, hosting.options.access, std::move(share.rules));
  running.access = &access;
  co_await access.load();  // of a worker, whose rules may have changed since its parent read them, too
  const auto service = hosting.make_service();
  const auto limit = accept_limit(hosting);
  auto listening = listening_until(hosting, limit);
  Activated opened;
  if (share.workers != nullptr) {
    opened.listeners.emplace_back(context.loop(), std::move(share.socket), listening.options);
  } else if (hosting.options.activation.are_given()) {
    opened = activation.open(context.loop(), listening);
  } else {
    auto endpoint = *hosting.endpoint;
    opened.listeners.push_back(co_await open_listener(context, std::move(endpoint), std::move(listening)));
  }
  if (opened.connection && keeps_open)
    throw BadInput("--keep-open: the socket is one connection, and no others come: leave it out");
  if (!keeps_open && opened.listeners.size() > 1)
    throw BadInput(
        text("LISTEN_FDS: '{}': several sockets that listen: say --keep-open", opened.listeners.size()));
  for (const auto& listener : opened.listeners) hosting.check_address(listener.address());
  if (opened.connection) hosting.check_address(opened.connection->local());
  if (!opened.listeners.empty()) hosting.tell_listening(opened.listeners.front().address());
  Server server(context.loop(), std::move(opened.listeners), *service, server_options(hosting, access));
  running.server = &server;
  activation.ready();
  std::vector<Task<>> tasks;
  tasks.push_back(access.attend());
  if (opened.connection) {
    tasks.push_back(serve_given(server, std::move(*opened.connection), hosting.must_serve));
  } else if (hosting.is_one) {
    tasks.push_back(server.run_once(limit));
  } else {
    if (keeps_open && hosting.accept_timeout)
      tasks.push_back(server.watch_for_quiet(*hosting.accept_timeout));
    tasks.push_back(server.run());
  }
  co_await any(std::move(tasks));
}

/// Binds and reads the rules before there are several processes, so that a failure is reported once.
Task<> prepare_workers(const Hosting& hosting, std::vector<Socket>& sockets,
                       std::optional<AccessList>& rules) {
  AccessControl access(hosting.context, hosting.options.access);
  co_await access.load();
  auto endpoint = *hosting.endpoint;
  auto listening = listening_until(hosting, accept_limit(hosting));
  sockets = co_await open_shared_port(hosting.context, std::move(endpoint), std::move(listening),
                                      *hosting.options.workers);
  rules = access.list();
}

WorkersOptions workers_options(const Hosting& hosting, std::vector<Socket>& sockets) {
  auto& context = hosting.context;
  WorkersOptions rules;
  rules.count = *hosting.options.workers;
  rules.deadline = hosting.whole_run;
  rules.outlive_hang_up = outlives_hang_up(hosting);
  rules.tell_started = [&context](unsigned number, pid_t pid) {
    context.log.info("worker {} is process {}", number + 1, pid);
    context.report.event("worker", {{"worker", number + 1}, {"pid", pid}});
    context.report.throw_failure();  // there is no loop here to notice it
  };
  rules.tell_died = [&context](unsigned number, const ChildEnd& end) {
    context.log.warn("worker {} {}: another takes its place", number + 1, end.to_string());
  };
  rules.stop = [&sockets] { sockets.clear(); };  // else clients would wait in their queues for ever
  return rules;
}

}  // namespace

void add_admission_flags(Flags& flags, HostingOptions& options) {
  flags.add_count("--max-conns", options.most, "serve at most N connections at once; the rest wait");
  flags.add_flag("--reject", options.rejects, "close connections beyond --max-conns immediately");
  flags.add_duration(
      "--drain-timeout", options.drain_timeout,
      "after SIGTERM, accept no more connections and wait up to DURATION for the others to end");
}

void check(const HostingOptions& options) {
  for (const auto& [name, given] : {std::pair{"--max-conns", options.most.has_value()},
                                    {"--reject", options.rejects},
                                    {"--drain-timeout", options.drain_timeout.has_value()},
                                    {"--workers", options.workers.has_value()}})
    if (given && !options.keep_open) throw BadInput(text("{} is for --keep-open", name));
}

void host(const Hosting& hosting) {
  auto& context = hosting.context;
  const auto& options = hosting.options;
  Activation activation(context, options.activation);
  SignalCatcher::Rules signals;
  if (outlives_hang_up(hosting)) signals.repeatable.push_back(SIGHUP);
  auto deadline = hosting.whole_run;
  std::vector<Socket> sockets;
  std::optional<Workers> workers;
  Share share;
  if (options.workers) {
    context.run(prepare_workers(hosting, sockets, share.rules), deadline);
    context.drop_loop();
    workers.emplace(workers_options(hosting, sockets));
    const auto number = workers->start();
    if (!number && workers->signal() != 0) throw Interrupted(workers->signal());
    if (!number) throw TimedOut(text("the deadline of {:g} s has passed", seconds(*deadline)));
    share.workers = &*workers;
    share.socket = std::move(sockets.at(*number));
    sockets.clear();
    signals.pipe = workers->pipe();
    deadline.reset();
  }
  Running running{.activation = &activation};
  int drained_by = 0;  // the signal
  const auto handle_signal = [&](int signal) { return running.handle_signal(hosting, signal, drained_by); };
  auto server = run_server(hosting, std::move(share), activation, running);
  if (hosting.board != nullptr)
    hosting.board->run(std::move(server), deadline, handle_signal, std::move(signals));
  else
    context.run(std::move(server), deadline, handle_signal, std::move(signals));
  if (drained_by != 0) throw Interrupted(drained_by);
}

std::function<bool()> ends_by_signal(Context& context) {
  return [&context] {
    const int signal = context.caught_signal();
    return signal != 0 && signal != Workers::deadline_signal;
  };
}

}  // namespace sockx

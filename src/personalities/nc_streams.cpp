#include "personalities/nc_streams.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <random>
#include <utility>

#include "base/error.hpp"
#include "base/on_exit.hpp"
#include "base/text.hpp"
#include "commands/conversation/pass_fd.hpp"
#include "flow/idle_timeout.hpp"
#include "flow/relay.hpp"
#include "flow/task_group.hpp"
#include "net/address/lookups.hpp"
#include "net/stream/dial.hpp"
#include "net/stream/scan.hpp"
#include "os/calls.hpp"
#include "os/socket_query.hpp"
#include "personalities/nc_sockets.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t packet_size = 16384;          // that -W counts: what nc reads at once
constexpr Duration silence_of_input = 200ms;        // of a server's, once its client has ended
constexpr Duration silence_between_clients = 20ms;  // with -k, where the next client waits for it
constexpr Duration shortest_timeout = 100ms;        // for -w 0
constexpr std::size_t ports_at_once = 128;          // of a scan

/// The bytes of the peer, up to the limit of -W.
Task<> receive_packets(Stream& from, Stream& to, int most, Tally& tally) {
  std::vector<std::byte> buffer(packet_size);
  for (int packets = 0; packets < most;) {
    const auto got = from.read_some(buffer);
    if (got.state == IoResult::State::eof) co_return;
    if (got.state == IoResult::State::moved) {
      ++packets;
      const auto bytes = std::span<const std::byte>(buffer).first(got.bytes);
      co_await to.write_all(bytes);
      tally.received += got.bytes;
      tally.last_byte = Clock::now();
    } else {
      co_await from.readable();
    }
  }
}

/// Joins a connection to the standard streams.
class NcConversation : NonCopyable {
 public:
  NcConversation(NcRun& run, Connection connection)
      : run_(run),
        options_(run.options),
        connection_(std::move(connection)),
        cut_(connection_.fd()),
        over_(run.context.loop()) {}

  Task<> run() {
    // At a signal nothing is missing if all of the input has been sent: the peer gets FIN, and no reset.
    const OnExit end_by_signal([this] {
      if (run_.context.is_interrupted() && (is_typed() || cut_.has_caught_up()))
        if (connection_.stream.end_at_once()) cut_.complete();
    });
    auto conversing = converse();
    auto ending = wait_for_end();
    auto idling = watch_for_idleness(idle_limit(), tally_.last_byte, [this] { return change(); });
    bool was_idle = false;
    try {
      co_await any(std::move(conversing), std::move(ending), std::move(idling));
    } catch (const TimedOut&) {
      was_idle = true;
    } catch (const Error& error) {
      if (error.origin() == Origin::standard_output && error.number() == EPIPE)
        co_return;  // its reader has left
      throw;
    }
    if (is_complete_) co_return;
    if (!cut_.has_caught_up() && !is_typed() && options_.reads_input)
      throw NcFailure(was_idle ? "timed out before everything was sent" : "not everything was sent");
    cut_.complete();
  }

 private:
  bool is_typed() const { return options_.reads_input && isatty(STDIN_FILENO) != 0; }

  std::optional<Duration> idle_limit() const {
    if (!options_.timeout) return {};
    // The pause after a line is no silence.
    return std::max<Duration>(std::chrono::seconds(*options_.timeout), shortest_timeout) +
           std::chrono::seconds(options_.interval);
  }

  /// Another number than before as long as something goes on: the peer acknowledges, or standard output
  /// takes nothing, and what is received has to wait.
  std::uint64_t change() {
    if (!is_writable_now(STDOUT_FILENO)) ++blocked_;
    return unacknowledged(connection_.stream.facts()).value_or(0) + blocked_;
  }

  Task<> converse() {
    auto& stream = connection_.stream;
    Duplex local{run_.input(), run_.output()};
    local.is_heard = options_.reads_input;
    local.is_told_of_end = false;  // the next peer has a use for standard output
    local.reader_may_leave = !options_.listens;
    auto& processing = local.carried.processing;
    if (options_.crlf) processing.stages.push_back(make_crlf());
    processing.line_delay = std::chrono::seconds(options_.interval);
    processing.delays_end = true;
    Duplex remote{stream, stream};
    remote.cut = &cut_;
    remote.is_told_of_end = options_.passes_end();
    RelayRules rules;
    rules.until = Until::both;
    rules.leaves_at_once = true;
    rules.silence_before_warning = is_typed()            ? 0ms
                                   : options_.keeps_open ? silence_between_clients
                                                         : silence_of_input;
    rules.peer_silence_before_warning = std::chrono::seconds(options_.quit.value_or(0));
    if (options_.most_packets) {
      remote.carried.limit = 0;  // the pump is not used
      rules.receive = [this, &stream] {
        return receive_packets(stream, run_.output(), *options_.most_packets, tally_);
      };
    }
    RelayObserver tell = [this](const RelayEvent& event) { note(event); };
    co_await relay(std::move(local), std::move(remote), std::move(rules), tally_, std::move(tell));
    is_complete_ = true;
  }

  /// A server's conversation is over when the client has ended and the input is silent, and with -q when the
  /// input has ended and the client is silent for that long.
  void note(const RelayEvent& event) {
    if (!options_.listens) return;
    const bool is_end = event.kind == RelayEvent::Kind::first_is_silent ||
                        (event.kind == RelayEvent::Kind::second_is_silent && options_.quit);
    if (!is_end) return;
    is_over_ = true;
    over_.notify();
  }

  Task<> wait_for_end() {
    while (!is_over_) {
      co_await over_.wait();
    }
  }

  NcRun& run_;
  const NcOptions& options_;
  Connection connection_;
  CutUnlessComplete cut_;
  Notification over_;
  Tally tally_;
  std::uint64_t blocked_ = 0;
  bool is_over_ = false, is_complete_ = false;
};

Task<NcAttempt> attempt(NcRun& run, const std::vector<Address>& addresses, std::uint16_t port) {
  if (run.options.proxy) return nc_connect_by_proxy(run, addresses, port);
  return nc_connect(run, addresses, port);
}

void tell_failures(const NcRun& run, const std::vector<std::string>& messages) {
  if (run.options.verbosity == 0) return;
  for (const auto& message : messages) run.warn(message);
}

/// -z: many ports at once. What is found is told in the order of the ports.
class NcScan : NonCopyable {
 public:
  NcScan(NcRun& run, const std::vector<Address>& addresses) : run_(run), addresses_(addresses) {}

  Task<> scan() {
    const auto ports = nc_ports(run_.options);
    TaskGroup tries(run_.context.loop());
    const auto at_once = std::clamp<std::size_t>(affordable_sockets(), 1, ports_at_once);
    for (std::size_t i = 0; i < ports.size(); ++i) {
      tries.spawn(try_port(i, ports[i]));
      while (tries.running() >= at_once) {
        co_await tries.next_end();
      }
    }
    co_await tries.join();
  }

 private:
  struct Result {
    std::uint16_t port;
    bool is_open;
    std::string address;
    std::vector<std::string> failed;
  };

  Task<> try_port(std::size_t place, std::uint16_t port) {
    auto found = co_await attempt(run_, addresses_, port);
    if (found.connection) run_.status = 0;
    Result result{port, found.connection.has_value(), std::move(found.address), std::move(found.failed)};
    found.connection.reset();
    results_.emplace(place, std::move(result));
    for (auto next = results_.find(told_); next != results_.end(); next = results_.find(++told_)) {
      tell(next->second);
      results_.erase(next);
    }
  }

  void tell(const Result& result) const {
    tell_failures(run_, result.failed);
    if (result.is_open) tell_nc_connection(run_, result.address, result.port);
  }

  NcRun& run_;
  const std::vector<Address>& addresses_;
  std::map<std::size_t, Result> results_;  // that wait for those before them
  std::size_t told_ = 0;
};

Task<std::vector<Address>> addresses_of(NcRun& run) {
  const auto& o = run.options;
  std::string host = o.proxy ? o.proxy->host : *o.host;
  std::string port = text("{}", o.ports.front());
  if (o.proxy) port = o.proxy->port.value_or(o.proxy->kind == NcProxy::Kind::connect ? "3128" : "1080");
  auto addresses = co_await nc_host_addresses(run, std::move(host), std::move(port), SOCK_STREAM);
  co_return addresses;
}

Task<> serve(NcRun& run, Connection connection) {
  NcConversation conversation(run, std::move(connection));
  co_await conversation.run();
}

}  // namespace

Task<> pass_nc_socket(int socket) {
  if (isatty(STDOUT_FILENO) != 0) throw NcFailure("Cannot pass file descriptor to tty");
  if (!is_socket(STDOUT_FILENO)) throw NcFailure("sendmsg", ENOTSOCK);
  if (socket_query(STDOUT_FILENO, SO_DOMAIN, "SO_DOMAIN") != AF_UNIX)
    throw NcFailure("sendmsg: standard output is no unix socket");
  ConversationOptions options;
  options.pass_to = "-";
  auto receiver = co_await open_fd_receiver(options);
  try {
    co_await pass_descriptor(socket, true, std::move(receiver));
  } catch (const Error& error) {
    throw NcFailure("sendmsg", error.number());
  }
}

std::vector<std::uint16_t> nc_ports(const NcOptions& options) {
  auto ports = options.ports;
  if (options.is_random) std::ranges::shuffle(ports, std::mt19937(std::random_device{}()));
  return ports;
}

void tell_nc_connection(const NcRun& run, const std::string& address, std::uint16_t port) {
  const auto& o = run.options;
  if (o.verbosity == 0) return;
  const auto service = o.numeric ? std::nullopt : get_service_by_port(port, o.protocol());
  const bool is_said = o.numeric || address.empty() || address == *o.host;
  run.say(text("Connection to {}{} {} port [{}/{}] succeeded!", one_line(*o.host),
               is_said ? "" : text(" ({})", address), port, o.protocol(), service ? service->name : "*"));
}

Task<> run_nc_client(NcRun& run) {
  const auto addresses = co_await addresses_of(run);
  run.status = 1;
  const bool is_scan = run.options.scans && !run.options.proxy && !run.options.passes_fd;
  if (is_scan) {
    NcScan scan(run, addresses);
    co_await scan.scan();
    co_return;
  }
  bool has_failed = false;
  for (const auto port : nc_ports(run.options)) {
    auto found = co_await attempt(run, addresses, port);
    tell_failures(run, found.failed);
    if (!found.connection) continue;
    run.status = 0;
    tell_nc_connection(run, found.address, port);
    auto connection = std::move(*found.connection);
    if (run.options.passes_fd) {
      co_await pass_nc_socket(connection.fd());
      co_return;
    }
    if (run.options.scans) continue;
    std::exception_ptr failure;
    {
      auto serving = serve(run, std::move(connection));
      failure = co_await outcome_of(std::move(serving));
    }
    if (!failure) continue;
    if (run.options.ports.size() == 1) std::rethrow_exception(failure);
    has_failed = true;
    run.warn(nc_message(failure));
  }
  if (has_failed) run.status = 1;
}

Task<> run_nc_unix_client(NcRun& run) {
  const auto& path = *run.options.host;
  std::optional<Connection> connection;
  int failed = path.empty() ? EINVAL : 0;
  try {
    if (failed == 0) {
      Endpoint endpoint{Address::unix_name(path)};
      DialOptions dialing;
      auto dialed = co_await dial(std::move(endpoint), std::move(dialing));
      connection.emplace(std::move(dialed));
    }
  } catch (const BadInput&) {
    failed = ENAMETOOLONG;
  } catch (const Error& error) {
    failed = error.number();
  }
  if (failed != 0) throw NcFailure(text("{}: {}", path, strerror(failed)));
  if (run.options.scans) co_return;
  co_await serve(run, std::move(*connection));
}

Task<> run_nc_server(NcRun& run) {
  const auto& o = run.options;
  Socket socket;
  if (o.is_unix()) {
    socket = nc_bind_unix(*o.host, SOCK_STREAM);
    run.tell_path("Bound", *o.host);
    constexpr int backlog = 5;
    socket.listen(backlog);
    run.tell_path("Listening", *o.host);
  } else {
    socket = co_await nc_bind(run);
  }
  auto& loop = co_await this_loop();
  Listener listener(loop, std::move(socket), {});
  if (!o.is_unix()) {
    std::string what = "Listening";
    co_await run.tell_address(std::move(what), listener.address());
  }
  do {
    auto connection = co_await next_connection(listener);
    if (o.is_unix()) {
      run.tell_path("Connection received", *o.host);
    } else {
      std::string what = "Connection received";
      const auto peer = connection.peer;
      co_await run.tell_address(std::move(what), peer);
    }
    std::exception_ptr failure;
    {
      auto serving = serve(run, std::move(connection));
      failure = co_await outcome_of(std::move(serving));
    }
    if (failure && !o.keeps_open) std::rethrow_exception(failure);
    if (failure) run.warn(nc_message(failure));
  } while (o.keeps_open);
}

}  // namespace sockx

#include "commands/datagram/udp.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/flag_groups.hpp"
#include "commands/datagram/datagram_access.hpp"
#include "commands/datagram/datagram_flags.hpp"
#include "commands/datagram/datagram_output.hpp"
#include "commands/datagram/datagram_streams.hpp"
#include "commands/datagram/datagram_summary.hpp"
#include "commands/datagram/load.hpp"
#include "commands/datagram/peer_programs.hpp"
#include "commands/stream/listening.hpp"
#include "datagram/exchange.hpp"
#include "flow/task_group.hpp"
#include "net/address/numeric_address.hpp"
#include "os/descriptor_limit.hpp"
#include "os/records.hpp"

namespace sockx {

namespace {

constexpr std::uint64_t usual_programs = 256;
constexpr Duration usual_idle_timeout = std::chrono::seconds(60);  // of a program

void add_multicast_flags(Flags& flags, DatagramOptions& options) {
  const HelpSection section(flags, "Broadcast and multicast");
  auto& multicast = options.multicast;
  flags.add_flag("--broadcast", options.broadcast,
                 "allow sending to broadcast addresses, and sharing a port that receives broadcasts");
  flags
      .add_value(
          "--join", "GROUP[%IF]",
          [&](const std::string& word) { multicast.groups.push_back(Group::parse(word)); },
          "receive what is sent to a multicast group, on an interface (repeatable)", ValueKind::text)
      .repeatable();
  const auto read_source = [&](const std::string& word) {
    const auto address = numeric_address(word);
    if (!address) throw BadInput(text("'{}': say the address of a sender", word));
    multicast.sources.push_back(*address);
  };
  flags
      .add_value("--join-source", "ADDR", read_source,
                 "receive from the groups only what this sender sends (repeatable)", ValueKind::host)
      .repeatable()
      .needs("--join");
  flags.add_number(
      "--mcast-ttl", multicast.ttl, 0U, 255U,
      "the TTL of datagrams to a group: 1 stays on this network, N passes N-1 routers (default: 1)");
  flags.add_choice("--mcast-loop", multicast.loop,
                   std::vector<std::pair<std::string, std::optional<bool>>>{{"on", true}, {"off", false}},
                   "whether programs on this host also receive what is sent to a group (default: on)");
  flags.add_text("--mcast-interface", multicast.interface, "IF",
                 "send to groups through this network interface", ValueKind::interface);
}

void add_replies(Flags& flags, UdpOptions& o) {
  const HelpSection section(flags, "Replies");
  add_expect_flags(flags, o.exchange);
  const auto read_reply = [&o](const std::string& word) {
    if (word == "last" || word == "all" || word == "none") {
      o.exchange.reply_to = word == "last" ? ReplyTo::last : word == "all" ? ReplyTo::all : ReplyTo::none;
      return;
    }
    if (word.starts_with("unix:")) {
      o.exchange.reply_address = std::get<Address>(Endpoint::parse({word}, Endpoint::Role::connecting).where);
    } else {
      const auto parsed = parse_address(word, "udp");
      if (!parsed.has_port || parsed.address.port() == 0)
        throw BadInput(text("'{}': say last, all, none or ADDR:PORT", word));
      o.exchange.reply_address = parsed.address;
    }
    o.exchange.reply_to = ReplyTo::one;
  };
  flags
      .add_value("--reply", "last|all|none|ADDR:PORT", read_reply,
                 "the peer that standard input is sent to (default: last)", ValueKind::choice)
      .choices({"last", "all", "none"})
      .needs("--listen");
  flags
      .add_choice("--handler", o.exchange.handler,
                  {{"echo", DatagramHandler::echo},
                   {"upper", DatagramHandler::upper},
                   {"discard", DatagramHandler::discard}},
                  "send each datagram back, as it is or in upper case, or drop it")
      .needs("--listen")
      .excludes("--reply");
  const auto read_rate = [&o](const std::string& word) {
    const auto rate = word == "none" ? DatagramRate{} : parse_datagram_rate(word);
    if (rate.bytes > 0) throw BadInput(text("'{}': say datagrams a second, like 1000pps, or none", word));
    o.exchange.answer_rate.of_peer = rate.datagrams;
    o.limits_answers = true;
  };
  flags
      .add_value("--answer-rate", "Npps|none", read_rate,
                 "answer each peer at most this often, on average over 1000 s (default: 1000pps)",
                 ValueKind::choice)
      .choices({"none"})
      .needs("--listen");
}

void add_program_flags(Flags& flags, UdpOptions& o) {
  const HelpSection section(flags, "Programs");
  const auto exec =
      flags.add_program("--exec", o.program.words, "run a program for each peer: `--exec -- PROGRAM ARG...`");
  const auto shell = flags.add_text("--sh", o.program.shell_command, "COMMAND",
                                    "run COMMAND for each peer, with a shell", ValueKind::text);
  flags
      .add_count("--max-conns", o.most_programs,
                 text("run at most N programs at once (default: {})", usual_programs))
      .needs("--listen");
  shell.excludes(exec);
  for (const auto program : {exec, shell}) {
    program.needs("--listen");
    flags.exclude({"--handler", "--reply", "--format", "--rate"}, program);
  }
}

void check(const UdpOptions& o) {
  if (o.listens && (o.exchange.reply_timeout || (o.exchange.expected && !o.load.measures)))
    throw BadInput(
        "--listen ends by --datagrams, --idle-timeout or --deadline: leave --expect and "
        "--reply-timeout out");
  if (o.listens && (o.exchange.send_flags & MSG_MORE) != 0)
    throw BadInput("--send-flags: with more all is one datagram, to one peer: leave it out with --listen");
  if (!o.program.is_given() && o.most_programs)
    throw BadInput("--max-conns is for the programs of --exec and --sh");
  if (o.limits_answers && !o.program.is_given() && o.exchange.handler == DatagramHandler::show)
    throw BadInput("--answer-rate is for --handler, --exec and --sh");
  if (o.access.are_given() && !o.listens)
    throw BadInput("--allow and --deny are for --listen: a client hears its peer alone");
  if (o.access.are_given() && (o.exchange.recv_flags & MSG_PEEK) != 0)
    throw BadInput(
        "--recv-flags: with peek a datagram stays, and one that is refused would hide all others: leave it "
        "out with --allow and --deny");
  check_peeking(o.exchange, o.listens ? o.datagrams.has_value() : o.exchange.expected.has_value());
  for (const auto& source : o.socket.multicast.sources)
    for (const auto& group : o.socket.multicast.groups)
      if (source.family() != group.address.family())
        throw BadInput(
            text("--join-source: '{}' is not of the family of {}", source.ntop(), group.address.ntop()));
}

/// The address `to` in the family of the socket: over IPv6, an IPv4 address is mapped. Throws BadInput.
Address fit_for(const Address& local, const Address& to) {
  const bool maps = local.family() == AF_INET6 && to.family() == AF_INET;
  if (!maps && local.family() != to.family())
    throw BadInput(text("--reply: '{}' is not of the family of {}", to.to_string(), local.to_string()));
  if (!maps) return to;
  const auto mapped = numeric_address("::ffff:" + to.host(), static_cast<std::uint16_t>(to.port()));
  return *mapped;
}

/// On a terminal the user sees who has sent each datagram.
DatagramFormat format_of(const UdpOptions& o) {
  const bool is_looked_at = o.listens && isatty(STDOUT_FILENO) != 0;
  return o.format.value_or(is_looked_at ? DatagramFormat::text : DatagramFormat::raw);
}

/// As many as there are descriptors for: two pipes and the process, and while one is started, what tells
/// whether that has worked.
std::size_t most_programs(const UdpOptions& o) {
  constexpr std::size_t others = 32, of_each = 4;
  const auto limit = raise_descriptor_limit();
  const auto room = std::max<std::size_t>(limit > others ? (limit - others) / of_each : 0, 1);
  return static_cast<std::size_t>(std::min<std::uint64_t>(o.most_programs.value_or(usual_programs), room));
}

PeerProgramsOptions programs_of(const UdpOptions& o, const DatagramEnd& end) {
  PeerProgramsOptions programs;
  programs.call = o.program;
  programs.call.descriptor_limit = descriptor_limit();
  programs.most = most_programs(o);
  programs.framing = o.exchange.framing.value_or(Framing{});
  programs.idle_timeout = o.limits.idle.value_or(usual_idle_timeout);
  programs.local = end.local;
  programs.protocol = end.socket.protocol();
  if (end.local.family() == AF_UNIX)
    programs.most_of_unix =
        std::min(longest_record(end.socket.described(end.local.to_string())), o.exchange.most);
  return programs;
}

Task<> run_udp(Context& context, UdpOptions options, DatagramAccess& access,
               std::optional<DatagramSummary>& summary) {
  auto& loop = co_await this_loop();
  auto& exchange = options.exchange;
  auto& endpoint = options.endpoint;
  prepare_port_file(options.port_file, endpoint);
  co_await access.control().load();
  DatagramEnd end;
  if (options.listens) {
    end = co_await bind_datagrams(std::move(endpoint), options.socket);
    tell_listening(context, end.local, options.port_file);
    if (exchange.reply_to == ReplyTo::one)
      exchange.reply_address = fit_for(end.local, exchange.reply_address);
  } else {
    end = co_await dial_datagrams(std::move(endpoint), options.socket);
    context.log.info("sending to {} from {}", end.peer->to_string(), end.local.to_string());
  }
  if (options.load.size) {
    const GeneratorOptions load{static_cast<std::size_t>(*options.load.size), options.datagrams,
                                options.load.time, exchange.rate};
    co_await run_generator(context, std::move(end), load);
    co_return;
  }
  if (options.load.measures) {
    MeterOptions meter{exchange.expected, options.limits.idle, std::move(exchange.admits)};
    co_await run_meter(context, std::move(end), std::move(meter));
    co_return;
  }
  if (end.local.family() == AF_UNIX) exchange.most = 4 * 1024 * 1024;
  const bool reads_input =
      !options.listens || (exchange.handler == DatagramHandler::show && exchange.reply_to != ReplyTo::none &&
                           !options.program.is_given());
  DatagramStreams streams(loop, reads_input);
  if (!options.listens) streams.set_reply_timeout(exchange);
  summary.emplace(context);
  auto observer = summary->observer(format_of(options));
  if (!options.listens && isatty(STDIN_FILENO) != 0)
    observer.input_ended = [&context] { context.log.info("input has ended; waiting for replies"); };
  std::optional<PeerPrograms> programs;
  if (options.program.is_given()) {
    programs.emplace(context, programs_of(options, end), summary->tally.unserved);
    exchange.service = &*programs;
    exchange.idle_timeout.reset();  // it is that of each program
  }
  auto borrowed = streams.borrowed();
  co_await sockx::exchange(std::move(end), borrowed, std::move(exchange), summary->tally,
                           std::move(observer));
}

/// With what reads the rules again.
Task<> run_with_access(Context& context, UdpOptions options, DatagramAccess& access,
                       std::optional<DatagramSummary>& summary) {
  std::vector<Task<>> tasks;
  tasks.push_back(access.control().attend());
  tasks.push_back(run_udp(context, std::move(options), access, summary));
  co_await any(std::move(tasks));
}

}  // namespace

void declare(Flags& flags, UdpOptions& o) {
  const auto& words = flags.add_words(2, "HOST PORT\n       sockx udp --listen [OPTIONS] [HOST] PORT",
                                      {ValueKind::endpoint, ValueKind::service}, false);
  flags.add_flag("--listen", o.listens, "receive datagrams that are sent to [HOST] PORT");
  add_network_flags(flags, o.socket, false);
  flags.add_flag("--udplite", o.socket.udplite, "use UDP-Lite instead of UDP");
  flags.add_file("--port-file", o.port_file, "write the port to FILE once it is bound").needs("--listen");
  add_input_flags(flags, o.exchange);
  flags.add_count("--datagrams", o.datagrams,
                  "send no more than N datagrams; with --listen: end when N have been received");
  add_replies(flags, o);
  add_access_flags(flags, o.access, AccessTo::datagrams);
  add_format_flag(flags, o.format, "raw; text with --listen when it is a terminal");
  add_recv_flags(flags, o.exchange.recv_flags);
  add_multicast_flags(flags, o.socket);
  add_idle_timeout_and_deadline(flags, o.limits);
  add_program_flags(flags, o);
  add_load_flags(flags, o.load);
  flags.exclude({"--format", "--framing", "--rate"}, flags.get("--handler"));
  flags.set_examples({{"echo hello | sockx udp 192.0.2.7 9000 --expect 1", "send a line, wait for one reply"},
                      {"sockx udp --listen 9000", "print received datagrams; send input to the last sender"},
                      {"sockx udp --listen --handler echo 9000", "an echo server"},
                      {"sockx udp --listen --allow 192.0.2.0/24 9000 --exec -- ./answer",
                       "a program for each peer of that network"},
                      {"sockx udp --listen --join 239.1.2.3%eth0 --format json 5000",
                       "receive from a multicast group, and show all details of each datagram"}});
  flags.when_read([&o, &words] {
    if (words.empty())
      throw BadInput(text("{} is required; see `sockx udp --help`", o.listens ? "[HOST] PORT" : "HOST PORT"));
    o.access.numeric = o.socket.numeric;
    check(o);
    const auto role = o.listens ? Endpoint::Role::listening : Endpoint::Role::connecting;
    o.endpoint = Endpoint::parse(words, role, "udp");
  });
}

ExitCode run(Context& context, const UdpOptions& given) {
  auto options = given;
  auto& exchange = options.exchange;
  exchange.is_client = !options.listens;
  exchange.is_udp = !options.socket.udplite;  // which has no GSO and GRO
  exchange.idle_timeout = options.limits.idle;
  (options.listens ? exchange.receive_limit : exchange.send_limit) = options.datagrams;
  options.socket.tells_facts = options.format == DatagramFormat::json || options.program.is_given() ||
                               context.log.shows(LogLevel::debug);
  options.socket.tells_user = options.access.are_given();
  const bool counts = options.datagrams || exchange.expected;  // a GRO train cannot be received in part
  options.socket.takes_trains = options.load.measures || (exchange.recv_flags == 0 && !counts);
  options.socket.tells_time = options.load.measures;
  if (!options.load.size && !options.load.measures) context.report.keep_standard_output_for_payload();
  std::optional<DatagramSummary> summary;
  DatagramAccess access(context, given.access);
  if (given.access.are_given())
    exchange.admits = [&access](const Datagram& datagram) { return access.admits(datagram); };
  SignalCatcher::Rules signals;
  if (given.access.have_files()) signals.repeatable.push_back(SIGHUP);
  const auto handle_signal = [&access](int signal) { return access.control().handle_signal(signal); };
  context.run(run_with_access(context, std::move(options), access, summary), given.limits.whole_run,
              handle_signal, std::move(signals));
  if (summary) summary->complete();
  return ExitCode::done;
}

}  // namespace sockx

#include "commands/conversation/relay.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/on_exit.hpp"
#include "base/text.hpp"
#include "cli/end_report.hpp"
#include "cli/flag_groups.hpp"
#include "cli/units.hpp"
#include "commands/conversation/conversation.hpp"
#include "commands/conversation/filters.hpp"
#include "commands/serving/server_journal.hpp"
#include "os/descriptor_limit.hpp"
#include "serve/handler_service.hpp"

namespace sockx {

namespace {

/// The bytes and the time of a relay, reported however it ends.
class RelaySummary {
 public:
  RelaySummary(Context& context, const RelayOptions& options)
      : context_(context), options_(options), report_(context, [this](bool) { tell(); }) {}
  Tally& begin() {
    begun_ = Clock::now();
    return tally_;
  }
  void complete() { report_.complete(); }

 private:
  void tell() const {
    if (!begun_) return;
    const auto span = Clock::now() - *begun_;
    context_.log.info("{} to B, {} to A in {}", counted(tally_.sent, "byte"),
                      counted(tally_.received, "byte"), show_duration(span));
    context_.report.event("closed", {{"a", options_.first_word},
                                     {"b", options_.second_word},
                                     {"a_to_b", tally_.sent},
                                     {"b_to_a", tally_.received},
                                     {"seconds", seconds(span)}});
  }

  Context& context_;
  const RelayOptions& options_;
  Tally tally_;
  std::optional<Clock::time_point> begun_;
  EndReport report_;  // destroyed first
};

bool joins_user_to_terminal(const RelayOptions& options) {
  const auto& [first, second] = std::tie(options.first, options.second);
  return (first.uses_standard_streams && second.has_terminal_program) ||
         (second.uses_standard_streams && first.has_terminal_program);
}

EndSetup setup_of(Context& context, const RelayOptions& options) {
  EndSetup setup{context, options.stream, options.limits, options.program, options.port_file};
  setup.program.descriptor_limit = descriptor_limit();
  setup.joins_user_to_terminal = joins_user_to_terminal(options);
  return setup;
}

ConversationOptions filters_of(const RelayOptions& options) {
  ConversationOptions filters;
  filters.crlf = options.crlf;
  filters.hexdump = options.hexdump;
  filters.tee_out = options.tee_a;
  filters.tee_in = options.tee_b;
  return filters;
}

/// The ends of one run, and what goes on between them.
class Joining {
 public:
  Joining(Context& context, const RelayOptions& options, RelaySummary& summary)
      : context_(context),
        options_(options),
        summary_(summary),
        processing_(make_processing(filters_of(options), context.report)) {
    const auto setup = setup_of(context, options);
    const auto& [first, second] = std::tie(options.first, options.second);
    if (!first.listened) first_ = make_end(first, setup);
    second_ = make_end(second, setup);
    never_ends_ = (first_ && first_->never_ends()) || second_->never_ends();
  }

  Task<> prepare() {
    co_await wait_for_readers(processing_);
    co_await second_->prepare();
  }
  /// Opens both ends, the first one first.
  Task<> run() {
    co_await first_->prepare();
    co_await prepare();
    auto first = co_await first_->open({});
    co_await join(std::move(first));
  }

  Task<> join(std::unique_ptr<OpenEnd> first) {
    std::unique_ptr<OpenEnd> a = std::move(first), b;
    note_window_ = [&] {
      for (auto* const end : {&a, &b})
        if (*end) (*end)->note_window();
    };
    const OnExit forgetting([this] { note_window_ = nullptr; });
    // A program that ends slowly does not keep a connection open.
    const OnExit closing([&] {
      for (auto* const end : {&a, &b})
        if (*end && (*end)->connection() != nullptr) end->reset();
    });
    OpenedFor what{a->connection()};
    b = co_await second_->open(std::move(what));
    auto near = a->duplex(), far = b->duplex();
    const OnExit ending([&, near_cut = near.cut, far_cut = far.cut] {
      end_by_signal(*a, near_cut, *b);
      end_by_signal(*b, far_cut, *a);
    });
    auto rules = rules_for(*a, *b);
    near.carried.processing = std::move(processing_.outward);
    far.carried.processing = std::move(processing_.inward);
    auto& tally = summary_.begin();
    auto tell = tell_in(context_.log, "B ends, say --until b");
    co_await relay(std::move(near), std::move(far), std::move(rules), tally, std::move(tell));
    const auto grace = options_.eof_timeout.value_or(std::chrono::seconds(5));
    co_await a->wait(grace, deadline_in(options_.limits.idle));
    co_await b->wait(grace, deadline_in(options_.limits.idle));
  }

  /// See OpenEnd::note_window().
  void note_window() const {
    if (note_window_) note_window_();
  }

 private:
  RelayRules rules_for(const OpenEnd& a, const OpenEnd& b) const {
    RelayRules rules;
    const auto usual = never_ends_    ? Until::either
                       : a.is_typed() ? Until::peer
                       : b.is_typed() ? Until::local
                                      : Until::both;
    rules.until = options_.until.value_or(usual);
    rules.idle_timeout = options_.limits.idle;
    rules.eof_timeout = options_.eof_timeout;
    rules.rate = options_.rate;
    return rules;
  }

  /// The connection of an end sees an end and not a reset, where a signal has cut nothing off.
  void end_by_signal(OpenEnd& end, CutUnlessComplete* cut, const OpenEnd& other) const {
    if (cut == nullptr || !context_.is_interrupted()) return;
    const bool is_whole = other.is_typed() || (other.is_whole_when_silent() && cut->has_caught_up());
    if (is_whole && end.connection()->stream.end_at_once()) cut->complete();
  }

  Context& context_;
  const RelayOptions& options_;
  RelaySummary& summary_;
  ProcessingBothWays processing_;
  std::unique_ptr<RelayEnd> first_, second_;
  std::function<void()> note_window_;
  bool never_ends_ = false;
};

/// One connection that comes is the first end.
class JoiningService final : public Service {
 public:
  JoiningService(Context& context, const RelayOptions& options, RelaySummary& summary)
      : joining_(context, options, summary) {}
  Task<> ready_for_next() override { return joining_.prepare(); }
  Task<> serve(Connection connection, Seat) override {
    return joining_.join(open_connection(std::move(connection)));
  }

 private:
  Joining joining_;
};

void check(const RelayOptions& options) {
  const auto& [first, second] = std::tie(options.first, options.second);
  if (options.rate == 0U) throw BadInput("--rate: '0': nothing would ever move; say at least 1");
  if (first.uses_standard_streams && second.uses_standard_streams)
    throw BadInput("'- -': both ends are the standard streams: say another end, like HOST:PORT");
  const bool runs_program = first.runs_given_program || second.runs_given_program;
  if (first.runs_given_program && second.runs_given_program)
    throw BadInput("'exec exec': there is one program after `--`: say sh:COMMAND for the other end");
  if (runs_program && options.program.words.empty())
    throw BadInput("'exec': the program is missing: say it after the ends, `-- PROGRAM ARG...`");
  if (!runs_program && !options.program.words.empty())
    throw BadInput(text("'{}': no end is the program after `--`: say exec for one of the ends",
                        options.program.words.front()));
  if (options.hosting.are_given() && !first.listened)
    throw BadInput(text("'{}': to serve many clients A listens: say listen:ENDPOINT", options.first_word));
  if (!options.port_file.empty() && !first.listened && !second.listened)
    throw BadInput("--port-file: neither end listens: say listen:ENDPOINT for one of them");
  if (options.limits.accept && !first.listened && !second.listened)
    throw BadInput("--accept-timeout: neither end listens: say listen:ENDPOINT for one of them");
  if (options.hosting.access.are_given() && !first.listened)
    throw BadInput(
        text("'{}': --allow and --deny are for the clients of A: say listen:ENDPOINT", options.first_word));
  if (!options.hosting.keep_open) return;
  check_end_of_many(second, options.second_word);
  check_client_filters(filters_of(options), "--tee-b", "--tee-a");
}

/// The proxies on the way to the ends, and the header for the second one.
void complete_ways(RelayOptions& o) {
  const auto is_host = [](const ParsedEnd& end) {
    return end.dialed && std::holds_alternative<HostPort>(end.dialed->to.where);
  };
  if (o.proxy.are_given() && !is_host(o.first) && !is_host(o.second))
    throw BadInput("--proxy: neither end is a connection to a host: say HOST:PORT for one of them");
  for (auto& [end, word] :
       {std::pair<ParsedEnd&, std::string&>(o.first, o.first_word), {o.second, o.second_word}})
    if (is_host(end)) go_by_proxies(end, word, o.proxy, {});
  if (!o.send_proxy) return;
  if (!o.second.dialed)
    throw BadInput(
        text("--send-proxy: '{}' is not an outgoing connection: say ENDPOINT for B", o.second_word));
  o.second.dialed->send_proxy = o.send_proxy;
}

void add_ends(Flags& flags, RelayOptions& o) {
  const HelpSection section(flags, "When it ends");
  const std::vector<std::pair<std::string, std::optional<Until>>> choices{
      {"both", Until::both}, {"a", Until::local}, {"b", Until::peer}, {"either", Until::either}};
  flags.add_choice("--until", o.until, choices,
                   "which end must have finished sending to end the session (default: both; the other end if "
                   "one is a user's terminal; either with pty, pty+sh or tty)");
  flags.add_duration("--eof-timeout", o.eof_timeout,
                     "after one direction has ended, wait at most DURATION for the other");
  add_idle_timeout_and_deadline(flags, o.limits);
}

void add_filters(Flags& flags, RelayOptions& o) {
  const HelpSection section(flags, "What happens to the bytes");
  flags.add_flag("--crlf", o.crlf, "from A to B: send CRLF where the input has a bare LF");
  flags.add_optional("--hexdump", o.hexdump, "-", "FILE",
                     "show every byte with direction, time and offset on standard error, "
                     "or in FILE (--hexdump=FILE)",
                     ValueKind::file);
  flags.add_file("--tee-a", o.tee_a, "also write what A sends to FILE");
  flags.add_file("--tee-b", o.tee_b, "also write what B sends to FILE");
  flags.add_size("--rate", o.rate, "carry at most SIZE bytes a second in each direction");
}

/// Many clients, or one of them.
void run_as_server(Context& context, const RelayOptions& options, RelaySummary& summary) {
  const auto setup = setup_of(context, options);
  const auto listening = listening_options(setup, *options.first.listened);
  const std::optional<Endpoint> endpoint = options.first.listened->at;
  std::unique_ptr<Handler> handler;
  std::size_t side_files = 0;
  if (options.hosting.keep_open) {
    auto second = make_end(options.second, setup);
    RelayRules rules;
    rules.until = options.until.value_or(second->never_ends() ? Until::either : Until::both);
    if (rules.until == Until::local || rules.until == Until::peer)  // the client is the second end there
      rules.until = rules.until == Until::local ? Until::peer : Until::local;
    rules.eof_timeout = options.eof_timeout;
    rules.rate = options.rate;
    JoinOptions joining{rules};
    const auto filters = filters_of(options);
    if (ClientFiltersMaker::are_given(filters)) {
      const auto maker = std::make_shared<ClientFiltersMaker>(filters, context.report);
      side_files = maker->descriptors();
      joining.filter = [maker](const Client& client) {
        auto made = maker->make(client.number, client.peer(), client.name());
        return ClientFilters{std::move(made.received), std::move(made.sent)};  // the client is A
      };
    }
    handler = make_join(std::move(second), std::move(joining));
  }
  const auto make_service = [&]() -> std::unique_ptr<Service> {
    if (!handler) return std::make_unique<JoiningService>(context, options, summary);
    HandlerServiceOptions rules{false, options.limits.idle, ends_by_signal(context), ServerJournal(context)};
    return std::make_unique<HandlerService>(context.loop(), *handler, std::move(rules));
  };
  host({.context = context,
        .endpoint = endpoint,
        .listening = listening,
        .options = options.hosting,
        .accept_timeout = options.limits.accept,
        .whole_run = options.limits.whole_run,
        .make_service = make_service,
        .is_one = !options.hosting.keep_open,
        .descriptors = handler ? handler->descriptors() + side_files : 0});
}

}  // namespace

void declare(Flags& flags, RelayOptions& o) {
  const auto& words = flags.add_words(2, "A B", {ValueKind::relay_end});
  flags.take_program(o.program.words);
  add_stream_flags(flags, o.stream);
  add_proxy_flags(flags, o.proxy);
  add_send_proxy_flag(flags, o.send_proxy, "the addresses of A's client, or our own");
  add_connect_timeout(flags, o.limits);
  add_accept_timeout(flags, o.limits);
  flags.add_file("--port-file", o.port_file, "write the port to FILE once an end listens");
  add_ends(flags, o);
  add_filters(flags, o);
  {
    const HelpSection section(flags, "Servers");
    flags.add_flag("-k,--keep-open", o.hosting.keep_open,
                   "A listens: accept many connections, and open B for each");
    add_admission_flags(flags, o.hosting);
    add_access_flags(flags, o.hosting.access);
  }
  Flags::Forms forms{"A and B; some take options, as ,NAME=VALUE", {}};
  for (const auto& kind : end_kinds()) forms.rows.emplace_back(kind.form, kind.help);
  flags.set_forms(std::move(forms));
  flags.set_examples(
      {{"sockx relay - unix:/run/app.sock", "talk to a unix socket"},
       {"sockx relay --keep-open listen:8080 127.0.0.1:80", "forward a port"},
       {"sockx relay --keep-open listen:8080 unix:/run/app.sock", "serve a unix socket over TCP"},
       {"sockx relay - tty:/dev/ttyS0,speed=115200", "talk to a device on a serial line"},
       {"sockx relay listen:5678 'sh:sort -u'", "join the next client to a command"}});
  flags.when_read([&o, &words] {
    if (words.size() != 2)
      throw BadInput(text("'{}': say two ends, A and B, like - HOST:PORT", joined(words, " ")));
    o.first_word = words[0];
    o.second_word = words[1];
    o.first = parse_end(words[0], EndPlace::first);
    o.second = parse_end(words[1], EndPlace::second);
    o.hosting.access.numeric = o.stream.numeric;
    complete_ways(o);
    check(o);
    if (o.first.listened) check(o.hosting.access, o.first.listened->at, o.stream);
    check(o.hosting);
  });
}

ExitCode run(Context& context, const RelayOptions& options) {
  if (options.first.uses_standard_streams || options.second.uses_standard_streams)
    context.report.keep_standard_output_for_payload();
  RelaySummary summary(context, options);
  if (options.first.listened) {
    run_as_server(context, options, summary);
  } else {
    Joining joining(context, options, summary);
    const auto handle = [&joining](int signal) {
      if (!SignalCatcher::is_repeatable(signal)) return false;
      joining.note_window();
      return true;
    };
    SignalCatcher::Rules signals;
    if (joins_user_to_terminal(options)) signals.repeatable = {SIGWINCH, SIGCONT};
    context.run(joining.run(), options.limits.whole_run, handle, std::move(signals));
  }
  summary.complete();
  return ExitCode::done;
}

}  // namespace sockx

// sockx send-file: a file over a connection.
#include "cli/flag_groups.hpp"
#include "cli/progress.hpp"
#include "commands/commands.hpp"
#include "commands/shared/comparing.hpp"
#include "commands/shared/dialing.hpp"
#include "commands/shared/end_report.hpp"
#include "commands/shared/transfer_cost.hpp"
#include "commands/shared/transfer_flags.hpp"
#include "os/error.hpp"
#include "transfer/file_sender.hpp"

namespace sockx {

namespace {

struct Options {
  std::vector<std::string> words;
  std::optional<std::uint64_t> offset;
  std::optional<std::size_t> chunk;
  CompareFlags compare;
  StreamOptions stream;
  RetryFlags retry;
  TimeLimits limits;
  SendOptions send;
  ProgressFlags progress;
};

struct Words {
  std::string file;
  std::vector<std::string> endpoint;
};

void check(const Options& options) {
  if (options.words.empty())
    throw BadInput(text("say {}; see `sockx send-file --help`",
                        options.compare.asked ? "--compare FILE [HOST PORT]" : "FILE HOST PORT"));
  if (options.send.rate == 0U) throw BadInput("--rate: '0': nothing would ever be sent; say at least 1");
  if (options.compare.asked && options.retry.are_given())
    throw BadInput("--compare: leave --retry, --retry-delay and --wait-for out");
}

/// FILE, then the endpoint: the last word when it contains a colon, else the last two.
Words split(const std::vector<std::string>& words) {
  const std::size_t endpoint_words = words.back().find(':') != std::string::npos ? 1 : 2;
  if (words.size() < endpoint_words + 1)
    throw BadInput(text("'{}': say FILE HOST PORT or FILE HOST:PORT", words.back()));
  if (words.size() > endpoint_words + 1) throw BadInput(text("'{}': send one FILE at a time", words[1]));
  return {words.front(), {words.begin() + 1, words.end()}};
}

class Summary {
 public:
  explicit Summary(Context& context)
      : context_(context), report_(context, [this](bool complete) { tell(complete); }) {}

  TransferStats stats;
  void begin(const std::string& file, const std::string& peer) {
    file_ = file;
    peer_ = peer;
    begun_ = Clock::now();
    usage_ = Usage::now();
  }
  void complete() { report_.complete(); }
  /// Whether a transfer of known length has begun and not been sent whole.
  bool is_short_of(const FileSource& source) const {
    return begun_ && source.length && stats.bytes < *source.length;
  }

 private:
  void tell(bool complete) const;
  Context& context_;
  std::string file_, peer_;
  std::optional<Clock::time_point> begun_;
  Usage usage_;
  EndReport report_;  // goes first
};

/// What came of the wish that nothing be copied.
std::string show_copied(const TransferStats& stats) {
  if (!stats.copied || stats.bytes == 0) return "";
  const auto share = static_cast<double>(*stats.copied) / static_cast<double>(stats.bytes);
  return text(" (the kernel copied {:.0f} %)", share * 100);
}

void Summary::tell(bool complete) const {
  if (!begun_) return;
  const auto span = Clock::now() - *begun_;
  const auto usage = Usage::now() - usage_;
  const double rate = static_cast<double>(stats.bytes) / seconds(span);
  if (!stats.why_fell_back.empty())
    context_.log.debug("fell back to {} for {}: {}", stats.method, file_, stats.why_fell_back);
  std::vector<Field> fields{{"file", file_},
                            {"peer", peer_},
                            {"complete", complete},
                            {"bytes", stats.bytes},
                            {"seconds", seconds(span)},
                            {"bytes_per_second", rate},
                            {"method", stats.method},
                            {"copied_bytes", stats.copied}};
  for (auto& field : cost_fields(Cost{usage, stats.system_calls})) fields.push_back(std::move(field));
  context_.report.result(
      text("{} {} bytes{} to {} in {}, {}, by {}{}\n"
           "CPU {:.3f} s user, {:.3f} s system; {} system calls; {} voluntary, {} involuntary context "
           "switches",
           complete ? "sent" : "broke off after", stats.bytes,
           stats.bytes < 1024 ? "" : text(" ({})", show_size(stats.bytes)), peer_, show_duration(span),
           show_rate(rate), stats.method, show_copied(stats), usage.user, usage.system, stats.system_calls,
           usage.voluntary_switches, usage.involuntary_switches),
      "sent", fields);
}

SendOptions send_options(Context& context, const Options& options) {
  auto send = options.send;
  send.idle_timeout = options.limits.idle;
  send.chunk = options.chunk.value_or(0);
  send.warn = [&context](const std::string& warning) { context.log.warn("{}", warning); };
  return send;
}

Task<> transfer(Context& context, const Options& options, FileSource& source, Endpoint endpoint,
                Summary& summary) {
  auto how = redial_options(context, options.retry, options.limits.connect);
  auto dialed = co_await redial(std::move(endpoint), dial_options(context, options.stream), std::move(how));
  const auto peer = dialed.peer.to_string();
  context.log.info("connected to {}", peer);
  summary.begin(source.described.name, peer);
  auto sending =
      send_file(source, std::move(dialed.socket), peer, send_options(context, options), summary.stats);
  auto shown = with_progress(
      context, std::move(sending), [&] { return summary.stats.bytes; }, [&] { return source.length; });
  co_await std::move(shown);
}

ExitCode send(Context& context, const Options& options) {
  const auto words = split(options.words);
  auto endpoint = Endpoint::parse(words.endpoint, Endpoint::Role::connecting);
  auto source = FileSource::open(words.file, options.offset.value_or(0), options.send.count);
  Summary summary(context);
  try {
    context.run(transfer(context, options, source, std::move(endpoint), summary), options.limits.whole_run);
  } catch (const TimedOut& error) {
    if (!summary.is_short_of(source)) throw;
    throw Incomplete(text("{}: {} of {} bytes were sent: {}", words.file, summary.stats.bytes, *source.length,
                          error.what()));
  }
  summary.complete();
  return ExitCode::done;
}

ExitCode compare(Context& context, const Options& options) {
  ComparisonOptions wanted;
  wanted.file = options.words.front();
  if (options.words.size() > 1)
    wanted.receiver = Endpoint::parse(split(options.words).endpoint, Endpoint::Role::connecting);
  wanted.offset = options.offset.value_or(0);
  wanted.count = options.send.count;
  if (options.chunk) wanted.chunks = {*options.chunk};
  wanted.dial = dial_options(context, options.stream);
  wanted.connect_timeout = options.limits.connect;
  wanted.send = send_options(context, options);
  return compare(context, std::move(wanted), options.compare, options.limits.whole_run);
}

}  // namespace

Run declare_send_file(Flags& flags) {
  const auto options = std::make_shared<Options>();
  auto& o = *options;
  flags.add_words(o.words, 3, "FILE HOST PORT")
      .required(false)  // check() knows which words
      .option_text("FILE HOST PORT\n       sockx send-file --compare [OPTIONS] FILE [HOST PORT]");
  std::vector<std::pair<std::string, TransferMethod>> choices{{"auto", TransferMethod::automatic}};
  for (const auto choice : file_methods()) choices.emplace_back(name_of(choice), choice);
  const auto method =
      flags.add_choice("--method", o.send.method, choices, "how to move the bytes (default: auto)");
  const auto take_chunk = [&o](const std::string& word) { o.chunk = parse_chunk(word); };
  flags
      .add_read("--chunk", take_chunk,
                "bytes a call (default: 64Ki for read-write, the most there is for sendfile)")
      .option_text("SIZE");
  flags.add_size("--offset", o.offset, "begin so many bytes into FILE");
  flags.add_size("--count", o.send.count, "send no more than SIZE bytes");
  flags.add_size("--rate", o.send.rate, "send no more than SIZE bytes a second");
  flags.add_duration("--eof-timeout", o.send.eof_timeout,
                     "wait no longer than DURATION for the peer to close in the end");
  add_compare_flags(flags, o.compare).excludes(method);
  add_progress_flags(flags, o.progress);
  add_stream_flags(flags, o.stream);
  add_connect_timeout(flags, o.limits);
  add_retry_flags(flags, o.retry);
  add_run_timeouts(flags, o.limits);
  flags.set_examples(
      {{"sockx send-file disk.img 192.0.2.7 5678", "send a file; status 0 means that the peer took it all"},
       {"tar c src | sockx send-file - backup:5678", "send a stream"},
       {"sockx send-file --compare disk.img",
        "measure sendfile, splice, mmap, read-write and others on this machine"},
       {"sockx send-file --compare --sizes 4Ki,1Mi,1Gi --plot sizes.svg disk.img",
        "the same with more and more of the file, and draw it"}});
  return [options](Context& context) {
    check(*options);
    options->progress.apply(context);
    options->stream.resets_on_close = true;
    return options->compare.asked ? compare(context, *options) : send(context, *options);
  };
}

}  // namespace sockx

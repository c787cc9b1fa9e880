// sockx send-file: a file over a connection.
#include "cli/progress.hpp"
#include "commands/commands.hpp"
#include "commands/dialing.hpp"
#include "commands/transfer_flags.hpp"
#include "os/error.hpp"
#include "os/usage.hpp"
#include "transfer/file_sender.hpp"

namespace sockx {

namespace {

struct Options {
  std::vector<std::string> words;
  std::optional<std::uint64_t> offset, chunk;
  bool compare = false;
  StreamOptions stream;
  TimeLimits limits;
  SendOptions send;
  ProgressFlags progress;
};

struct Words {
  std::string file;
  std::vector<std::string> endpoint;
};

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
  explicit Summary(Context& context) : context_(context) {}
  Summary(const Summary&) = delete;
  Summary& operator=(const Summary&) = delete;

  TransferStats stats;
  void begin(const std::string& file, const std::string& peer) {
    file_ = file;
    peer_ = peer;
    begun_ = Clock::now();
    usage_ = Usage::now();
  }
  void tell(bool complete);

 private:
  Context& context_;
  std::string file_, peer_;
  std::optional<Clock::time_point> begun_;
  Usage usage_;
};

void Summary::tell(bool complete) {
  if (!begun_) return;
  const auto span = Clock::now() - *begun_;
  const auto usage = Usage::now() - usage_;
  const double rate = static_cast<double>(stats.bytes) / seconds(span);
  if (stats.fell_back)
    context_.log.debug("fell back to {}: the method asked for does not work on {}", stats.method, file_);
  context_.report.result(
      text("{} {} bytes ({}) to {} in {}, {}, by {}\n"
           "CPU {:.3f} s user, {:.3f} s system; {} system calls; {} voluntary, {} involuntary context "
           "switches",
           complete ? "sent" : "broke off after", stats.bytes, show_size(stats.bytes), peer_,
           show_duration(span), show_rate(rate), stats.method, usage.user, usage.system, stats.system_calls,
           usage.voluntary_switches, usage.involuntary_switches),
      "sent",
      {{"file", file_},
       {"peer", peer_},
       {"complete", complete},
       {"bytes", stats.bytes},
       {"seconds", seconds(span)},
       {"bytes_per_second", rate},
       {"method", stats.method},
       {"user_seconds", usage.user},
       {"system_seconds", usage.system},
       {"system_calls", stats.system_calls},
       {"voluntary_switches", usage.voluntary_switches},
       {"involuntary_switches", usage.involuntary_switches}});
}

Task<> transfer(Context& context, const Options& options, FileSource& source, Endpoint endpoint,
                Summary& summary) {
  auto dialed = co_await dial(std::move(endpoint), dial_options(context, options.stream, options.limits));
  const auto peer = dialed.peer.to_string();
  context.log.info("connected to {}", peer);
  summary.begin(source.described.name, peer);
  auto send = options.send;
  send.idle_timeout = options.limits.idle;
  send.chunk = static_cast<std::size_t>(options.chunk.value_or(0));
  send.warn = [&context](const std::string& warning) { context.log.warn("{}", warning); };
  auto sending = send_file(source, std::move(dialed.socket), peer, std::move(send), summary.stats);
  co_await with_progress(
      context, std::move(sending), [&summary] { return summary.stats.bytes; }, source.length);
}

ExitCode send(Context& context, const Options& options) {
  const auto words = split(options.words);
  auto endpoint = Endpoint::parse(words.endpoint, Endpoint::Role::connecting);
  auto source = FileSource::open(words.file, options.offset.value_or(0), options.send.count);
  options.progress.apply(context);
  Summary summary(context);
  try {
    context.run(transfer(context, options, source, std::move(endpoint), summary), options.limits.whole_run);
  } catch (...) {
    summary.tell(false);
    throw;
  }
  summary.tell(true);
  return ExitCode::done;
}

}  // namespace

Run declare_send_file(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  auto& o = *options;
  app.add_option("FILE HOST PORT", o.words)->option_text("FILE HOST PORT")->required();
  add_choice(app, "--method", o.send.method,
             {{"auto", TransferMethod::automatic},
              {"sendfile", TransferMethod::sendfile},
              {"read-write", TransferMethod::read_write},
              {"mmap", TransferMethod::mmap},
              {"splice", TransferMethod::splice}},
             "how to move the bytes (default: auto)");
  add_size(app, "--chunk", o.chunk,
           "bytes a call (default: 64Ki for read-write, the most there is for sendfile)");
  add_size(app, "--offset", o.offset, "begin so many bytes into FILE");
  add_size(app, "--count", o.send.count, "send no more than SIZE bytes");
  add_size(app, "--rate", o.send.rate, "send no more than SIZE bytes a second");
  add_duration(app, "--eof-timeout", o.send.eof_timeout,
               "wait no longer than DURATION for the peer to close in the end");
  add_progress_flags(app, o.progress);
  add_stream_flags(app, o.stream);
  add_connect_timeout(app, o.limits);
  add_run_timeouts(app, o.limits);
  set_examples(app, {{"sockx send-file disk.img 192.0.2.7 5678",
                      "send a file; status 0 means that the peer took it all"},
                     {"tar c src | sockx send-file - backup:5678", "send a stream"},
                     {"sockx send-file --compare disk.img",
                      "measure sendfile, splice, mmap and read-write on this machine"}});
  return [options](Context& context) { return send(context, *options); };
}

}  // namespace sockx

#include "commands/transfer/send_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/words.hpp"
#include "cli/flag_groups.hpp"
#include "cli/progress.hpp"
#include "commands/transfer/comparing.hpp"
#include "commands/transfer/connection_source.hpp"
#include "commands/transfer/transfer_summary.hpp"
#include "commands/transfer/verified.hpp"
#include "net/stream/pacing.hpp"
#include "transfer/file_sender.hpp"
#include "transfer/verified/received_name.hpp"
#include "transfer/verified/source_walk.hpp"

namespace sockx {

namespace {

void check(const SendFileOptions& options) {
  if (options.send.rate == 0U) throw BadInput("--rate: '0': nothing would ever be sent; say at least 1");
  if (options.verified.asked && options.send.method == TransferMethod::zero_copy)
    throw BadInput("--method zerocopy: with --verified each byte is read for its digest; say sendfile");
  if (options.connection.tls.is_on && options.send.method == TransferMethod::zero_copy)
    throw BadInput("--method zerocopy: with --tls each byte is encrypted, which is a copy: leave it out");
  if (options.compare.asked && options.connection.retry.are_given())
    throw BadInput("--compare: leave --retry, --retry-delay and --wait-for out");
}

bool is_folder(const std::string& path) {
  struct stat there {};
  return stat(path.c_str(), &there) == 0 && S_ISDIR(there.st_mode);
}

/// Reports missing files before connecting.
void check_files(const std::vector<std::string>& files) {
  for (const auto& file : files)
    if (file != "-" && access(file.c_str(), F_OK) != 0)
      throw_errno(text("open {}", file), Origin::local_file);
}

/// Throws BadInput for several streams where only one connection is possible.
void check_streams(const SendFileOptions& options, const Endpoint& endpoint) {
  const auto streams = options.verified.options.streams;
  if (streams == 1) return;
  if (endpoint.is_adopted())
    throw BadInput(text("--streams {}: '{}' is a single connection", streams, endpoint.to_string()));
  const auto& source = options.connection.stream().source;
  if (!options.connection.listens && source &&
      (source->port != 0 || (source->address && source->address->family() == AF_UNIX)))
    throw BadInput(text("--streams {}: only one connection can come from '{}'", streams, source->word));
}

/// FILE... and then the endpoint: one word to listen on, or one that contains a colon, else the last two.
/// Throws BadInput for `HOST PORT FILE`.
void refuse_file_behind(const std::vector<std::string>& words, bool listens) {
  if (words.size() < 2 || words.size() > 3 || words.front() == "-") return;
  const auto& last = words.back();
  const auto is_there = [](const std::string& path) {
    std::error_code ignored;
    return std::filesystem::exists(path, ignored);
  };
  if (is_all_digits(last) || !is_there(last) || is_there(words.front())) return;
  const std::vector<std::string> endpoint(words.begin(), words.end() - 1);
  throw BadInput(text("'{}': the file comes first: say `sockx send-file {}{} {}`", last,
                      listens ? "--listen " : "", last, joined(endpoint, " ")));
}

void read_words(SendFileOptions& options, const std::vector<std::string>& words) {
  if (words.empty())
    throw BadInput(
        text("say {}; see `sockx send-file --help`", options.compare.asked ? "--compare FILE [HOST PORT]"
                                                     : options.connection.listens ? "--listen FILE PORT"
                                                                                  : "FILE HOST PORT"));
  auto& files = options.files;
  if (options.compare.asked && words.size() == 1) {
    files = words;
    return;
  }
  const bool listens = options.connection.listens;
  refuse_file_behind(words, listens);
  const std::size_t endpoint_words = listens || words.back().find(':') != std::string::npos ? 1 : 2;
  if (words.size() < endpoint_words + 1)
    throw BadInput(text("'{}': say {}", words.back(),
                        listens ? "FILE PORT or FILE HOST:PORT" : "FILE HOST PORT or FILE HOST:PORT"));
  const auto& name = options.verified.options.name;
  if (const auto fault = fault_of_name(name); !name.empty() && !fault.empty())
    throw BadInput(text("--name '{}': it {}; say a relative path like 'directory/file'", name, fault));
  const auto endpoint = words.end() - static_cast<std::ptrdiff_t>(endpoint_words);
  files.assign(words.begin(), endpoint);
  const std::vector<std::string> endpoint_given(endpoint, words.end());
  options.endpoint = parse_endpoint(options.connection, endpoint_given);
  if (!name.empty() && std::any_of(files.begin(), files.end(), is_folder))
    throw BadInput(
        text("--name '{}': it is for one FILE; what is in a directory has names of its own", name));
  if (files.size() == 1) return;
  if (!options.verified.asked)
    throw BadInput(text("'{}': send one FILE at a time, or all of them with --verified{}", words[1],
                        listens ? "; with --listen the endpoint is one word, PORT or HOST:PORT" : ""));
  if (endpoint_words == 2)
    throw BadInput(
        text("'{} {}': after several FILEs the endpoint is one word, HOST:PORT", *endpoint, words.back()));
  if (!name.empty()) throw BadInput(text("--name '{}': there is one name for {} FILEs", name, files.size()));
  std::set<std::string> names;
  for (const auto& file : files)
    if (auto own = own_name(file); !own.empty() && !names.insert(std::move(own)).second)
      throw BadInput(
          text("'{}': another FILE has that name, and only one can have it at the receiver", file));
}

/// What the kernel copied although --method zerocopy was to avoid it.
std::string show_copied(const TransferStats& stats) {
  if (!stats.copied || stats.bytes == 0) return "";
  const auto share = static_cast<double>(*stats.copied) / static_cast<double>(stats.bytes);
  return text(" (the kernel copied {:.0f} %)", share * 100);
}

std::string show_sent(Context& context, const std::string& shown, const TransferStats& stats,
                      const Cost& cost, bool complete) {
  auto line =
      text("{} {}, by {}{}", complete ? "sent" : "broke off after", shown, stats.method, show_copied(stats));
  const auto& usage = cost.usage;
  if (context.log.shows(LogLevel::debug))
    line += text(
        "\nCPU {:.3f} s user, {:.3f} s system; {} system calls; {} voluntary, {} involuntary context "
        "switches",
        usage.user, usage.system, cost.system_calls, usage.voluntary_switches, usage.involuntary_switches);
  return line;
}

SendOptions send_options(Context& context, const SendFileOptions& options) {
  auto send = options.send;
  send.idle_timeout = options.limits.idle;
  send.chunk = options.chunk.value_or(0);
  send.tell_open = [&context](const std::string& what) {
    context.log.warn("{}; --eof-timeout bounds the wait", what);
  };
  return send;
}

Task<> transfer(Context& context, ProgressBoard& board, const SendFileOptions& options, FileSource& source,
                std::optional<TransferSummary>& summary) {
  co_await wait_for_writer(source);
  ConnectionSource connections(context, board, options.connection, *options.endpoint, options.limits, never);
  auto connection = co_await connections.next();
  connections.close();  // no other peer is served, and none should wait
  const auto& file = source.described.name;
  const auto peer = peer_name(connection);
  summary.emplace(context, TransferSummary::Kind::sent, connection, file,
                  [&context](const auto&... facts) { return show_sent(context, facts...); });
  const auto& stats = summary->stats;
  const Progress shown(board, [&] {
    return ProgressState{stats.is_finishing ? Phase::finishing : Phase::sending, peer, file, stats.bytes,
                         source.length};
  });
  auto sending = send_file(source, std::move(connection), send_options(context, options), summary->stats);
  co_await std::move(sending);
}

ExitCode send(Context& context, ProgressBoard& board, const SendFileOptions& options) {
  const auto& file = options.files.front();
  if (options.verified.asked) {
    check_streams(options, *options.endpoint);
    check_files(options.files);
    auto wanted = options.verified.options;
    wanted.paths = options.files;
    wanted.method = options.send.method;
    wanted.rate = options.send.rate;
    send_verified_files(context, board, options.connection, *options.endpoint, options.limits,
                        std::move(wanted));
    return ExitCode::done;
  }
  if (is_folder(file))
    throw Error(EISDIR, text("open {} (--verified sends directories)", file), Origin::local_file);
  auto source = FileSource::open(file, options.offset.value_or(0), options.send.count);
  std::optional<TransferSummary> summary;  // once there is a connection
  try {
    board.run(transfer(context, board, options, source, summary), options.limits.whole_run);
  } catch (const TimedOut& error) {
    if (!summary || !source.length || summary->stats.bytes >= *source.length) throw;
    throw Incomplete(text("{}: {} of {} were sent: {}", file, summary->stats.bytes,
                          counted(*source.length, "byte"), error.what()));
  }
  summary->complete();
  return ExitCode::done;
}

ExitCode compare(Context& context, ProgressBoard& board, const SendFileOptions& options) {
  if (options.compare.csv && context.report.is_json())
    throw BadInput("--csv: it cannot be combined with --json: say one of them");
  ComparisonOptions wanted;
  wanted.file = options.files.front();
  wanted.receiver = options.endpoint;
  wanted.offset = options.offset.value_or(0);
  wanted.count = options.send.count;
  if (options.chunk) wanted.chunks = {*options.chunk};
  wanted.dial = dial_options(context, options.connection.stream());
  wanted.connect_timeout = options.limits.connect;
  wanted.send = send_options(context, options);
  return compare(context, board, std::move(wanted), options.compare, options.limits.whole_run);
}

}  // namespace

void declare(Flags& flags, SendFileOptions& o) {
  const auto& words = flags.add_word_list(
      "FILE HOST PORT\n"
      "       sockx send-file --listen [OPTIONS] FILE [HOST:]PORT\n"
      "       sockx send-file --verified [OPTIONS] FILE|DIR... HOST:PORT\n"
      "       sockx send-file --compare [OPTIONS] FILE [HOST PORT]",
      {ValueKind::path, ValueKind::file_or_host}, false);
  std::vector<std::pair<std::string, TransferMethod>> choices{{"auto", TransferMethod::automatic}};
  for (const auto choice : file_methods()) choices.emplace_back(name_of(choice), choice);
  const auto method =
      flags.add_choice("--method", o.send.method, choices, "how to move the bytes (default: auto)");
  const auto take_chunk = [&o](const std::string& word) { o.chunk = parse_chunk(word); };
  const auto chunk = flags.add_value(
      "--chunk", "SIZE", take_chunk,
      "bytes per call, fewer while the disk is slow (default: 64Ki for read-write, 1Mi for sendfile)",
      ValueKind::size);
  const auto offset = flags.add_size("--offset", o.offset, "skip the first SIZE bytes of FILE");
  const auto count = flags.add_size("--count", o.send.count, "send no more than SIZE bytes");
  flags.add_size("--rate", o.send.rate, "send no more than SIZE bytes a second");
  const auto eof_timeout =
      flags.add_duration("--eof-timeout", o.send.eof_timeout,
                         "after the last byte, wait no longer than DURATION for the peer to close");
  const auto compare_flag = add_compare_flags(flags, o.compare);
  compare_flag.excludes(method);
  add_verified_flags(flags, o.verified);
  for (const auto& raw : {chunk, offset, count, eof_timeout, compare_flag})
    flags.get("--verified").excludes(raw);
  add_progress_flags(flags, o.progress);
  add_connection_flags(flags, o.connection, o.limits).excludes(compare_flag);
  flags.exclude({"--tls", "--proxy", "--send-proxy"}, compare_flag);
  add_idle_timeout_and_deadline(flags, o.limits);
  flags.set_examples({{"sockx send-file disk.img 192.0.2.7 5678",
                       "send a file; status 0 means that the peer has received it all"},
                      {"tar c src | sockx send-file - backup:5678", "send a stream"},
                      {"sockx send-file --listen disk.img 5678", "let the receiver connect"},
                      {"sockx send-file --verified photos notes.txt backup:5678",
                       "send files and directories, verified; resume an interrupted transfer"},
                      {"sockx send-file --compare disk.img",
                       "measure sendfile, splice, mmap, read-write and others on this machine"},
                      {"sockx send-file --compare --sizes 4Ki,1Mi,1Gi --plot sizes.svg disk.img",
                       "the same for files of several sizes, and draw the results"}});
  flags.when_read([&o, &words] {
    check(o);
    read_words(o, words);
    complete_way(o.connection, o.endpoint.value_or(Endpoint()));
    if (o.connection.proxy.have_https() && o.send.method == TransferMethod::zero_copy)
      throw BadInput(
          "--method zerocopy: an https proxy gets each byte encrypted, which is a copy: leave it out");
  });
}

ExitCode run(Context& context, const SendFileOptions& given) {
  auto options = given;
  auto& stream = options.connection.listening.options.stream;
  if (options.send.rate) stream.layers.push_back(paced(stream, *options.send.rate));
  const bool is_verified = options.verified.asked;
  use_way(
      context, options.connection, options.endpoint, options.limits.idle,
      {is_verified ? "recv-file --connect --verified" : "recv-file --connect", is_verified ? "" : "-o FILE"});
  options.progress.apply(context);
  ProgressBoard board(context);
  return options.compare.asked ? compare(context, board, options) : send(context, board, options);
}

}  // namespace sockx

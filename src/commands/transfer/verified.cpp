#include "commands/transfer/verified.hpp"

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/end_report.hpp"
#include "cli/flags.hpp"
#include "cli/units.hpp"
#include "commands/transfer/transfer_summary.hpp"
#include "net/stream/connection.hpp"
#include "os/usage.hpp"

namespace sockx {

namespace {

/// Logs what happens to each file, and reports it as an event.
std::function<void(const FileEvent&)> teller(Context& context) {
  return [&context](const FileEvent& event) {
    using Kind = FileEvent::Kind;
    const auto tell = [&](const char* state) {
      std::vector<Field> fields{{"file", event.name}, {"state", state}, {"bytes", event.bytes}};
      if (!event.reason.empty()) fields.push_back({"reason", event.reason});
      context.report.record("file", fields);
    };
    switch (event.kind) {
      case Kind::whole:
        context.log.debug("{} is whole: {}", event.name, counted(event.bytes, "byte"));
        return tell("whole");
      case Kind::there:
        context.log.info("{} is there already, with this size and time", event.name);
        return tell("there");
      case Kind::resumed:
        context.log.info("{} is resumed: {} of it is there", event.name, show_size(event.bytes));
        return tell("resumed");
      case Kind::changed:
        context.log.warn("{} has changed since the interrupted transfer: it is sent from the beginning",
                         event.name);
        return tell("changed");
      case Kind::left_out:
        context.log.warn("{} {}, and is skipped", event.name, event.reason);
        return tell("left out");
      case Kind::failed:
        context.log.warn("{}", event.reason);
        return tell("failed");
    }
  };
}

/// The total of a verified transfer at this end, reported however it ends.
class VerifiedSummary {
 public:
  VerifiedSummary(Context& context, bool sends, const Connection& connection)
      : context_(context),
        sends_(sends),
        peer_(peer_name(connection)),
        peer_fields_(peer_fields(connection)),
        report_(context, [this](bool complete) { tell(complete); }) {}

  TransferTally tally;
  /// If files have failed, throws the first failure, with how many there are.
  void end() {
    if (tally.first_failure) throw_failure();
    report_.complete();
  }
  ProgressState state() const;

 private:
  void tell(bool complete) const;
  [[noreturn]] void throw_failure() const;
  Context& context_;
  bool sends_;
  std::string peer_;
  std::vector<Field> peer_fields_;
  Clock::time_point begun_ = Clock::now();
  Usage usage_ = Usage::now();
  EndReport report_;  // destroyed first
};

ProgressState VerifiedSummary::state() const {
  const auto phase = [&] {
    switch (tally.phase) {
      case TransferTally::Phase::greeting:
        return Phase::connecting;
      case TransferTally::Phase::resuming:
        return Phase::resuming;
      case TransferTally::Phase::finishing:
        return Phase::finishing;
      case TransferTally::Phase::moving:
        break;
    }
    return sends_ ? Phase::sending : Phase::receiving;
  };
  ProgressState state{phase(), peer_, tally.file, tally.bytes, {}, tally.files, tally.files_total};
  const auto unmoved = tally.resumed + tally.holes;
  if (tally.bytes_total && *tally.bytes_total >= unmoved) state.total = *tally.bytes_total - unmoved;
  return state;
}

/// Each failed file has been logged. The first failure decides the status.
void VerifiedSummary::throw_failure() const {
  const auto all = tally.files_total.value_or(tally.files + tally.files_failed);
  if (all <= 1) std::rethrow_exception(tally.first_failure);
  const auto count = text("{} of {} {} not {}", tally.files_failed, counted(all, "file"),
                          tally.files_failed == 1 ? "was" : "were", sends_ ? "sent" : "received");
  try {
    std::rethrow_exception(tally.first_failure);
  } catch (const Incomplete& first) {
    throw Incomplete(text("{}: {}", count, first.what()));
  } catch (const Corrupt& first) {
    throw Corrupt(text("{}: {}", count, first.what()));
  } catch (const Error& first) {  // whose message has that of its number behind it
    const std::string said = first.what();
    const auto call = said.substr(0, said.size() - first.code().message().size() - 2);
    throw Error(first.number(), text("{}: {}", count, call), first.origin());
  }
}

void VerifiedSummary::tell(bool complete) const {
  const auto span = Clock::now() - begun_;
  const auto usage = Usage::now() - usage_;
  const double rate = static_cast<double>(tally.bytes) / seconds(span);
  const auto files = counted(tally.files, "file");
  auto line = text("{} {}, {}", sends_ ? "sent" : "received", files,
                   show_transfer(tally.bytes, sends_ ? "to" : "from", peer_, span));
  if (tally.resumed > 0) line += text("; {} were there already", show_size(tally.resumed));
  if (tally.holes > 0) line += text("; {} are holes", show_size(tally.holes));
  if (tally.encoded < tally.bytes) line += text("; compressed to {}", show_size(tally.encoded));
  if (tally.files_failed > 0) line += text("; {} failed", tally.files_failed);
  if (tally.files_left_out > 0) line += text("; {} left out", tally.files_left_out);
  line += complete ? ", verified" : ", incomplete";
  std::vector<Field> fields{{"verified", true}};
  fields.insert(fields.end(), peer_fields_.begin(), peer_fields_.end());
  const std::vector<Field> moved{{"complete", complete},
                                 {"hash", std::string(tally.hash)},
                                 {"files", tally.files},
                                 {"files_there", tally.files_there},
                                 {"files_failed", tally.files_failed},
                                 {"bytes", tally.bytes},
                                 {"bytes_there", tally.resumed},
                                 {"bytes_in_holes", tally.holes},
                                 {"bytes_on_connection", tally.encoded},
                                 {"chunks", tally.chunks},
                                 {"seconds", seconds(span)},
                                 {"bytes_per_second", rate},
                                 {"user_seconds", usage.user},
                                 {"system_seconds", usage.system}};
  fields.insert(fields.end(), moved.begin(), moved.end());
  if (sends_) fields.push_back({"files_left_out", tally.files_left_out});
  context_.report.result(line, sends_ ? "sent" : "received", fields);
}

Task<> send_over(Context& context, ProgressBoard& board, ConnectionSource& connections,
                 VerifiedSendOptions options, std::optional<VerifiedSummary>& summary) {
  auto connection = co_await connections.next();
  if (options.streams == 1) connections.close();
  summary.emplace(context, true, connection);
  summary->tally.hash = name_of(options.digest);
  const Progress shown(board, [&] { return summary->state(); });
  const auto next = [&] { return connections.next(); };
  auto sending = send_verified(std::move(connection), next, std::move(options), summary->tally);
  co_await std::move(sending);
}

}  // namespace

void send_verified_files(Context& context, ProgressBoard& board, const ConnectionSourceOptions& flags,
                         Endpoint endpoint, const TimeLimits& limits, VerifiedSendOptions options) {
  options.names = verified_flag_names;
  options.tell = teller(context);
  options.warn = [&context](const std::string& warning) { context.log.warn("{}", warning); };
  options.listens = flags.listens;
  options.idle_timeout = limits.idle;
  ConnectionSource connections(context, board, flags, std::move(endpoint), limits, never);
  std::optional<VerifiedSummary> summary;
  try {
    board.run(send_over(context, board, connections, std::move(options), summary), limits.whole_run);
  } catch (const TimedOut& error) {
    if (!summary || summary->tally.phase == TransferTally::Phase::greeting) throw;
    throw Incomplete(text("{} bytes were sent: {}", summary->tally.bytes, error.what()));
  }
  summary->end();
}

Task<> receive_verified_files(Context& context, ProgressBoard& board, Connection connection,
                              NextConnectionOf next, VerifiedReceiveOptions options) {
  options.names = verified_flag_names;
  options.tell = teller(context);
  VerifiedSummary summary(context, false, connection);
  const Progress shown(board, [&] { return summary.state(); });
  auto receiving =
      receive_verified(std::move(connection), std::move(next), std::move(options), summary.tally);
  co_await std::move(receiving);
  summary.end();
}

void add_verified_flags(Flags& flags, VerifiedSending& target) {
  const HelpSection section(flags, "Verified transfers");
  auto& options = target.options;
  const auto asked = flags.add_flag("--verified", target.asked,
                                    "send files and directories to `recv-file --verified`, each chunk with "
                                    "its digest; resume an interrupted transfer");
  flags
      .add_choice("--hash", options.digest,
                  {{"xxh3-128", DigestKind::xxh3_128}, {"sha256", DigestKind::sha256}},
                  "the digest (default: xxh3-128)")
      .needs(asked);
  flags.add_text("--name", options.name, "NAME", "the name of FILE at the receiver", ValueKind::text)
      .needs(asked);
  flags
      .add_choice("--compress", options.compresses, {{"zstd", true}},
                  "compress when that makes the transfer faster, as measured while it runs")
      .needs(asked);
  flags.add_number("--streams", options.streams, 1, most_streams, "send over N connections at once")
      .needs(asked);
}

void add_verified_flags(Flags& flags, VerifiedReceiving& target) {
  const HelpSection section(flags, "Verified transfers");
  auto& options = target.options;
  const auto asked = flags.add_flag("--verified", target.asked,
                                    "receive from `send-file --verified`, and confirm each file that has "
                                    "arrived complete; resume an interrupted transfer");
  const auto take_folder = [&target](const std::string& folder) {
    if (folder.empty()) throw BadInput("'': say something");
    target.options.folder = folder;
    target.folder_given = true;
  };
  flags
      .add_value("--output-dir", "DIR", take_folder,
                 "put the files below DIR, which must exist (default: the current one)", ValueKind::directory)
      .needs(asked);
  flags.add_flag("--force", options.replaces, "replace existing files that differ").needs(asked);
  flags
      .add_count("--max-files", options.most_files,
                 "accept at most N files and directories (default: 1000000)")
      .needs(asked);
}

}  // namespace sockx

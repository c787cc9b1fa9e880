// sockx recv-file: connections into files, to standard output or to nowhere.

#include <cstring>

#include "cli/flag_groups.hpp"
#include "cli/progress.hpp"
#include "commands/commands.hpp"
#include "commands/shared/end_report.hpp"
#include "commands/shared/lobby.hpp"
#include "commands/shared/meeting.hpp"
#include "commands/shared/target.hpp"
#include "commands/shared/transfer_cost.hpp"
#include "commands/shared/transfer_flags.hpp"
#include "commands/shared/verified.hpp"
#include "flow/task_group.hpp"
#include "net/lookups.hpp"
#include "os/calls.hpp"
#include "os/descriptor_limit.hpp"
#include "os/error.hpp"
#include "os/text.hpp"
#include "transfer/file_receiver.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

struct RecvFileArguments {
  std::vector<std::string> words;
  TargetOptions target;
  bool fsync = false;
  MeetingFlags meeting{.listens = true};
  TimeLimits limits;
  ReceiveOptions receive;
  ProgressFlags progress;
  VerifiedReceiveFlags verified;
};

void check(const RecvFileArguments& options) {
  const auto &expected = options.receive.expected, &most = options.receive.most;
  if (expected && most && *expected > *most)
    throw BadInput(
        text("--size {}: that is more than --max-size {}: leave one of them out", *expected, *most));
  if (!options.verified.asked) return check(options.target);
  if (!options.target.output_given) return;
  const auto& output = options.target.output;
  if (output == "-")
    throw BadInput("--output '-': --verified gives files their names when they are whole: say --output FILE");
  if (output.empty() || output.ends_with('/'))
    throw BadInput(text("--output '{}': name a file, or say --output-dir DIR", output));
  if (options.target.keep_open)
    throw BadInput(
        text("--output '{}': many transfers do not go into one file: say --output-dir DIR", output));
  if (options.verified.folder_given)
    throw BadInput(text("--output '{}': that is the whole path of one file: leave --output-dir out", output));
}

/// Whether the host to listen on may have been meant as the name of a file, as send-file takes one.
bool may_begin_with_file(const RecvFileArguments& options) {
  return options.words.size() == 2 && options.meeting.listens && options.target.to_standard_output() &&
         !options.target.output_given;
}

/// Throws BadInput for a path in the place of the host.
void check_host(const RecvFileArguments& options) {
  const auto& words = options.words;
  if (may_begin_with_file(options) && words[0].find('/') != std::string::npos &&
      words[0].find("://") == std::string::npos)
    throw BadInput(text("'{0}': to receive into a file say -o {0} {1}", words[0], words[1]));
}

/// What would make every transfer in vain is said before anybody comes.
void check_folders(const RecvFileArguments& options) {
  const auto& target = options.target;
  if (options.verified.asked && !target.output_given) return check_folder(options.verified.options.folder);
  const bool is_pattern = target.keep_open && target.output.find('%') < target.output.rfind('/');
  if (target.discard || target.to_standard_output() || is_pattern) return;
  if (target.no_clobber && !target.keep_open) check_new(target.output);
  check_folder_of(target.output);
}

/// The total of one transfer, told at its end, however that comes.
class Total {
 public:
  Total(Context& context, std::string peer, std::string file, bool names_file)
      : context_(context),
        peer_(std::move(peer)),
        file_(std::move(file)),
        names_file_(names_file),
        report_(context, [this](bool complete) { tell(complete); }) {}
  void complete() { report_.complete(); }
  TransferStats stats;

 private:
  void tell(bool complete) const {
    const auto span = Clock::now() - begun_;
    const double rate = static_cast<double>(stats.bytes) / seconds(span);
    std::vector<Field> fields{{"peer", peer_},
                              {"file", file_},
                              {"complete", complete},
                              {"bytes", stats.bytes},
                              {"seconds", seconds(span)},
                              {"bytes_per_second", rate},
                              {"method", stats.method}};
    for (auto& field : cost_fields(Cost{Usage::now() - usage_, stats.system_calls}))
      fields.push_back(std::move(field));
    auto line = text("received {}", show_transfer(stats.bytes, "from", peer_, span));
    if (complete && names_file_) line += text(", into {}", file_);
    if (!complete) line += stats.awaits_sender ? ", incomplete: the sender had not ended" : ", incomplete";
    context_.report.result(line, "received", fields);
  }

  Context& context_;
  std::string peer_, file_;
  bool names_file_;
  Clock::time_point begun_ = Clock::now();
  Usage usage_ = Usage::now();
  EndReport report_;  // goes first
};

Phase phase_of(const TransferStats& stats) {
  if (stats.is_finishing) return Phase::finishing;
  const bool is_silent = stats.awaits_sender && Clock::now() - stats.last_byte >= patience_before_warning;
  return is_silent ? Phase::waiting : Phase::receiving;
}

Task<> receive(Context& context, ProgressBoard& board, const RecvFileArguments& options,
               Connection connection, std::uint64_t number, Deadline deadline) {
  set_reset_on_close(connection.fd(), true);  // until the transfer is complete
  const auto peer = connection.name();
  const auto sender = connection.stream.facts();
  const auto path = path_of(options.target, number, connection.peer);
  std::unique_ptr<Target> target;
  std::optional<Total> total;  // once there is a target
  const auto state = [&] {
    const auto stats = total ? total->stats : TransferStats();
    return ProgressState{phase_of(stats), peer, target ? target->described().name : path, stats.bytes,
                         options.receive.expected};
  };
  std::optional<Progress> shown(std::in_place, board, state);
  const auto fifo_limit = std::min(deadline, deadline_in(options.limits.idle));
  try {
    target = co_await open_target(options.target, path, sender, fifo_limit);
  } catch (const TimedOut& reason) {
    const auto& expected = options.receive.expected;
    if (expected > 0U)
      throw Incomplete(text("0 of {} arrived: {}", counted(*expected, "byte"), reason.what()));
    throw;
  }
  const bool names_file = options.target.keep_open && !options.target.discard;
  total.emplace(context, peer, target->described().name, names_file);
  auto limits = options.receive;
  limits.tell_silent = [&context](const std::string& what) {
    context.log.warn("{} (nc needs -N to end; --idle-timeout limits the wait)", what);
  };
  limits.deadline = deadline;
  auto receiving = receive_file(std::move(connection), target->take_fd(), target->described(), limits,
                                total->stats, [&] { target->complete(options.fsync); });
  co_await std::move(receiving);
  shown.reset();
  total->complete();
}

VerifiedReceiveOptions verified(const RecvFileArguments& options, Deadline deadline) {
  auto wanted = options.verified.options;
  if (options.target.output_given) wanted.output = options.target.output;
  wanted.sync = options.fsync;
  wanted.most = options.receive.most;
  wanted.idle_timeout = options.limits.idle;
  wanted.deadline = deadline;
  return wanted;
}

/// The deadline cuts the transfer from within, so that a file of known length that is short says so.
Task<> receive_one(Context& context, ProgressBoard& board, const RecvFileArguments& options) {
  const auto deadline = deadline_in(options.limits.whole_run);
  if (options.verified.asked) {
    auto lanes = std::make_shared<LaneMeeting>(co_await this_loop(), context, board, options.meeting,
                                               options.words, options.limits, deadline);
    auto first = co_await lanes->first();
    NextLane next = [lanes = std::move(lanes)](SessionId session) { return lanes->next(session); };
    auto wanted = verified(options, deadline);
    co_await receive_verified_files(context, board, std::move(first), std::move(next), std::move(wanted));
    co_return;
  }
  auto connection = co_await meet(context, board, options.meeting, options.words, options.limits, deadline);
  co_await receive(context, board, options, std::move(connection), 1, deadline);
}

/// A server of transfers, several at once.
class Receptionist {
 public:
  Receptionist(EventLoop& loop, Context& context, ProgressBoard& board, const RecvFileArguments& options,
               Listener listener)
      : loop_(loop),
        context_(context),
        board_(board),
        options_(options),
        listener_(std::move(listener)),
        failed_(loop),
        lobby_(loop, context),
        transfers_(loop) {}

  /// Nobody is accepted whose file could not be opened then: while descriptors are short, new connections
  /// wait in the kernel's queue, and the transfers at hand go on. The same while totals wait for their
  /// reader.
  Task<> accept_all() {
    for (std::optional<std::size_t> running_when_short;;) {
      if (options_.verified.asked) {
        co_await lobby_.has_room();
      }
      while (!context_.report.has_room_for_results()) {
        co_await loop_.sleep_until(after(100ms));
      }
      try {
        reserve_.fill();
        auto accepted = co_await accept(listener_);
        context_.log.info("connection from {}", accepted.name());
        reserve_.give_up();
        const auto number = number_++;
        transfers_.spawn(receive_beside_others(std::move(accepted), number));
        if (running_when_short && is_over(*running_when_short)) running_when_short.reset();
        if (number % most_in_a_row == 0) {
          co_await loop_.next_turn();
        }
        continue;
      } catch (const Error& error) {
        if (!is_shortage(error)) throw;
        if (!running_when_short)  // once, not for every one that ends and the next
          context_.log.warn("accept {}: {}: new connections wait", listener_.address().to_string(),
                            std::strerror(error.number()));
        running_when_short = std::max<std::size_t>(running_when_short.value_or(0), transfers_.running());
      }
      co_await transfers_.next_end(after(100ms));
    }
  }

  /// Throws TimedOut when nobody has connected for `limit` while nothing was being received.
  Task<> watch_for_quiet(Duration limit) {
    auto& loop = co_await this_loop();
    for (;;) {
      const auto before = number_;
      co_await loop.sleep_until(after(std::max<Duration>(limit, 1ms)));
      const bool holds_back = !context_.report.has_room_for_results();
      if (number_ != before || transfers_.running() > 0 || holds_back) {
        co_await transfers_.join();
        continue;
      }
      throw TimedOut(text("accept {}: timed out", listener_.address().to_string()));
    }
  }

  /// Throws when totals cannot be told any more, because standard output is broken or full.
  Task<> watch_for_failure() {
    while (!failure_) {
      co_await failed_.wait();
    }
    std::rethrow_exception(failure_);
  }

 private:
  /// Whether a shortage at which so many transfers were running is over: half of them have ended, or, where
  /// there was hardly one, there are more by now.
  bool is_over(std::size_t running_when_short) {
    if (running_when_short < 2) return transfers_.running() > running_when_short;
    return transfers_.running() <= running_when_short / 2;
  }

  /// The failure of one of several is its own, unless it befell what all of them share.
  Task<> receive_beside_others(Connection connection, std::uint64_t number) {
    try {
      co_await apply_layers(options_.meeting.stream().layers, connection, after(time_for_layers));
      if (options_.verified.asked) {
        co_await receive_verified_or_hand_over(std::move(connection));
      } else {
        co_await receive(context_, board_, options_, std::move(connection), number, never);
      }
    } catch (const Error& error) {
      if (error.origin() == Origin::standard_output) failure_ = std::current_exception();
      if (!failure_) context_.log.warn("{}", error.what());
    } catch (const std::exception& error) {
      context_.log.warn("{}", error.what());
    }
    if (failure_) failed_.notify();
  }

  /// A connection is the first of a transfer of its own, or another one of some transfer.
  Task<> receive_verified_or_hand_over(Connection connection) {
    const auto streams = co_await lobby_.begins_transfer(connection);
    if (!streams) co_return;
    const auto place = co_await lobby_.place(*streams);
    NextLane next = [this](SessionId session) { return lobby_.next(session); };
    auto wanted = verified(options_, never);
    if (!place) wanted.refusal = "too many transfers are under way here";
    co_await receive_verified_files(context_, board_, std::move(connection), std::move(next),
                                    std::move(wanted));
  }

  static constexpr std::size_t descriptors_of_a_file = 2;
  static constexpr unsigned most_in_a_row = 64;  // connections accepted before others have their turn

  EventLoop& loop_;
  Context& context_;
  ProgressBoard& board_;
  const RecvFileArguments& options_;
  Listener listener_;
  DescriptorReserve reserve_{descriptors_of_a_file};
  Notification failed_;
  std::exception_ptr failure_;
  Lobby lobby_;
  TaskGroup transfers_;
  std::uint64_t number_ = 1;  // of the next transfer
};

Task<> receive_many(Context& context, ProgressBoard& board, const RecvFileArguments& options) {
  const auto tell_of = [&board](const std::string& where) {
    board.tell_when_idle([where] { return ProgressState{Phase::listening, where}; });
  };
  tell_of(endpoint_of(options.meeting, options.words).to_string());
  raise_descriptor_limit();
  context.report.queue_results();
  auto listener = co_await open_listener(context, options.words, options.meeting.listening);
  tell_of(listener.address().to_string());
  Receptionist receptionist(co_await this_loop(), context, board, options, std::move(listener));
  std::vector<Task<>> tasks;
  if (options.limits.accept) tasks.push_back(receptionist.watch_for_quiet(*options.limits.accept));
  tasks.push_back(receptionist.watch_for_failure());
  tasks.push_back(receptionist.accept_all());
  co_await any(std::move(tasks));
}

ExitCode run(Context& context, const RecvFileArguments& options) {
  check_host(options);
  check(options);
  options.progress.apply(context);
  if (options.target.to_standard_output() && !options.verified.asked)
    context.report.keep_standard_output_for_payload();
  check_folders(options);
  ProgressBoard board(context);
  try {
    if (options.target.keep_open) {
      context.shows_progress = false;
      board.run(receive_many(context, board, options), options.limits.whole_run);
    } else {
      board.run(receive_one(context, board, options));
    }
  } catch (const ResolveError& error) {
    if (!may_begin_with_file(options)) throw;
    throw ResolveError(error,
                       text("; to receive into a file say -o {} {}", options.words[0], options.words[1]));
  }
  return ExitCode::done;
}

}  // namespace

Run declare_recv_file(Flags& flags) {
  const auto options = std::make_shared<RecvFileArguments>();
  auto& o = *options;
  flags.add_words(o.words, 2, "[HOST] PORT")
      .option_text(
          "[HOST] PORT\n"
          "       sockx recv-file --connect [OPTIONS] HOST PORT\n"
          "       sockx recv-file --verified [OPTIONS] [HOST] PORT");
  const auto take_output = [&o](const std::string& file) {
    o.target.output = file == "/dev/stdout" ? "-" : file;  // a name for it, not a file to replace
    o.target.output_given = true;
  };
  const auto output = flags.add_option_function(
      "-o,--output", take_output,
      "write to FILE, which gets its name only when it is whole; - is standard output; with --keep-open a "
      "pattern of %n number, %h peer, %t time");
  output.option_text("FILE");
  const auto discard =
      flags.add_flag("--discard", o.target.discard, "count the bytes and drop them in the kernel");
  const auto keep_open =
      flags.add_flag("-k,--keep-open", o.target.keep_open, "go on with further transfers, several at once");
  const auto no_clobber =
      flags.add_flag("--no-clobber", o.target.no_clobber, "refuse to replace an existing FILE");
  flags.add_flag("--fsync", o.fsync, "have FILE on disk before it gets its name and the sender its end");
  const auto size = flags.add_size("--size", o.receive.expected, "fail unless exactly SIZE bytes arrive");
  flags.add_size("--max-size", o.receive.most, "fail when more than SIZE bytes arrive");
  const auto method = flags.add_choice("--method", o.receive.method,
                                       {{"auto", TransferMethod::automatic},
                                        {"splice", TransferMethod::splice},
                                        {"read-write", TransferMethod::read_write}},
                                       "how to move the bytes (default: auto)");
  add_verified_flags(flags, o.verified);
  for (const auto& raw : {discard, no_clobber, size, method}) flags.get("--verified").excludes(raw);
  add_progress_flags(flags, o.progress);
  add_meeting_flags(flags, o.meeting, o.limits).excludes(keep_open);
  add_run_timeouts(flags, o.limits);
  flags.set_examples(
      {{"sockx recv-file -o backup.tar 5678", "take one file; it gets its name when it is whole"},
       {"sockx recv-file --discard --keep-open 5678", "count what comes, one transfer after another"},
       {"sockx recv-file 5678 | tar x", "hand it on"},
       {"sockx recv-file --verified --output-dir in 5678", "take files and directories, each verified"},
       {"sockx recv-file --connect 192.0.2.7:5678 -o disk.img", "fetch it from a sender that listens"}});
  return [options](Context& context) {
    options->receive.idle_timeout = options->limits.idle;
    return run(context, *options);
  };
}

}  // namespace sockx

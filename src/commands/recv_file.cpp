// sockx recv-file: connections into files, to standard output or to nowhere.

#include "cli/flag_groups.hpp"
#include "cli/progress.hpp"
#include "commands/commands.hpp"
#include "commands/shared/end_report.hpp"
#include "commands/shared/listening.hpp"
#include "commands/shared/target.hpp"
#include "commands/shared/transfer_cost.hpp"
#include "commands/shared/transfer_flags.hpp"
#include "flow/task_group.hpp"
#include "os/calls.hpp"
#include "os/error.hpp"
#include "transfer/file_receiver.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

struct Options {
  std::vector<std::string> words;
  TargetOptions target;
  bool fsync = false;
  ListenFlags listening;
  TimeLimits limits;
  ReceiveOptions receive;
  ProgressFlags progress;
};

/// The total of one transfer, told at its end, however that comes.
class Total {
 public:
  Total(Context& context, std::string peer, std::string file)
      : context_(context),
        peer_(std::move(peer)),
        file_(std::move(file)),
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
    context_.report.result(text("received {} bytes from {} in {} ({}){}", stats.bytes, peer_,
                                show_duration(span), show_rate(rate), complete ? "" : ", incomplete"),
                           "received", fields);
  }

  Context& context_;
  std::string peer_, file_;
  Clock::time_point begun_ = Clock::now();
  Usage usage_ = Usage::now();
  EndReport report_;  // goes first
};

Task<> receive(Context& context, const Options& options, Accepted accepted, std::uint64_t number,
               Deadline deadline) {
  set_reset_on_close(accepted.socket.fd(), true);  // until the transfer is complete
  const auto peer = accepted.peer.to_string();
  context.log.info("connection from {}", peer);
  const auto sender = accepted.socket.described(peer);
  const auto path = path_of(options.target, number, accepted.peer);
  const auto fifo_limit = std::min(deadline, deadline_in(options.limits.idle));
  const auto target_opened = co_await open_target(options.target, path, sender, fifo_limit);
  auto& target = *target_opened;
  Total total(context, peer, target.described().name);
  auto limits = options.receive;
  limits.deadline = deadline;
  auto receiving = receive_file(std::move(accepted.socket), peer, target.take_fd(), target.described(),
                                limits, total.stats, [&] { target.complete(options.fsync); });
  auto shown = with_progress(
      context, std::move(receiving), [&] { return total.stats.bytes; },
      [&] { return options.receive.expected; });
  co_await std::move(shown);
  total.complete();
}

/// The deadline cuts the transfer from within, so that a file of known length that is short says so.
Task<> receive_one(Context& context, const Options& options) {
  const auto deadline = deadline_in(options.limits.whole_run);
  auto listening = options.listening;
  listening.options.deadline = deadline;
  std::optional<Listener> listener(co_await open_listener(context, options.words, std::move(listening)));
  auto accepted = co_await accept(*listener, std::min(deadline, deadline_in(options.limits.accept)));
  listener.reset();
  co_await receive(context, options, std::move(accepted), 1, deadline);
}

/// A server of transfers, several at once.
class Receptionist {
 public:
  Receptionist(EventLoop& loop, Context& context, const Options& options, Listener listener)
      : context_(context),
        options_(options),
        listener_(std::move(listener)),
        failed_(loop),
        transfers_(loop) {}

  Task<> accept_all() {
    for (bool exhausted = false;; ++number_) {
      try {
        auto accepted = co_await accept(listener_);
        transfers_.spawn(receive_beside_others(std::move(accepted), number_));
        exhausted = false;
        continue;
      } catch (const Error& error) {
        if (!is_shortage(error.number())) throw;
        if (!exhausted) context_.log.warn("{}: new connections wait", error.what());
        exhausted = true;
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
      if (number_ != before || transfers_.running() > 0) {
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
  /// The failure of one of several is its own, unless it befell what all of them share.
  Task<> receive_beside_others(Accepted accepted, std::uint64_t number) {
    try {
      co_await receive(context_, options_, std::move(accepted), number, never);
    } catch (const Error& error) {
      if (error.origin() == Origin::standard_output) failure_ = std::current_exception();
      if (!failure_) context_.log.warn("{}", error.what());
    } catch (const std::exception& error) {
      context_.log.warn("{}", error.what());
    }
    if (failure_) failed_.notify();
  }

  Context& context_;
  const Options& options_;
  Listener listener_;
  Notification failed_;
  std::exception_ptr failure_;
  TaskGroup transfers_;
  std::uint64_t number_ = 1;  // of the next transfer
};

Task<> receive_many(Context& context, const Options& options) {
  auto listener = co_await open_listener(context, options.words, options.listening);
  Receptionist receptionist(co_await this_loop(), context, options, std::move(listener));
  std::vector<Task<>> tasks;
  if (options.limits.accept) tasks.push_back(receptionist.watch_for_quiet(*options.limits.accept));
  tasks.push_back(receptionist.watch_for_failure());
  tasks.push_back(receptionist.accept_all());
  co_await any(std::move(tasks));
}

ExitCode run(Context& context, const Options& options) {
  check(options.target);
  options.progress.apply(context);
  if (options.target.to_standard_output()) context.report.keep_standard_output_for_payload();
  if (options.target.keep_open) {
    context.shows_progress = false;
    context.run(receive_many(context, options), options.limits.whole_run);
  } else {
    context.run(receive_one(context, options));
  }
  return ExitCode::done;
}

}  // namespace

Run declare_recv_file(Flags& flags) {
  const auto options = std::make_shared<Options>();
  auto& o = *options;
  add_endpoint(flags, o.words, "[HOST] PORT");
  const auto take_output = [&o](const std::string& file) {
    o.target.output = file == "/dev/stdout" ? "-" : file;  // a name for it, not a file to replace
    o.target.output_given = true;
  };
  const auto output = flags.add_option_function(
      "-o,--output", take_output,
      "write to FILE, which gets its name only when it is whole; - is standard output; with --keep-open a "
      "pattern of %n number, %h peer, %t time");
  output.option_text("FILE");
  flags.add_flag("--discard", o.target.discard, "count the bytes and drop them in the kernel");
  flags.add_flag("-k,--keep-open", o.target.keep_open, "go on with further transfers, several at once");
  flags.add_flag("--no-clobber", o.target.no_clobber, "refuse to replace an existing FILE");
  flags.add_flag("--fsync", o.fsync, "have FILE on disk before it gets its name and the sender its end");
  flags.add_size("--size", o.receive.expected, "fail unless exactly SIZE bytes arrive");
  flags.add_size("--max-size", o.receive.most, "fail when more than SIZE bytes arrive");
  flags.add_choice("--method", o.receive.method,
                   {{"auto", TransferMethod::automatic},
                    {"splice", TransferMethod::splice},
                    {"read-write", TransferMethod::read_write}},
                   "how to move the bytes (default: auto)");
  add_progress_flags(flags, o.progress);
  add_listen_flags(flags, o.listening);
  add_accept_timeout(flags, o.limits);
  add_run_timeouts(flags, o.limits);
  flags.set_examples(
      {{"sockx recv-file -o backup.tar 5678", "take one file; it gets its name when it is whole"},
       {"sockx recv-file --discard --keep-open 5678", "count what comes, one transfer after another"},
       {"sockx recv-file 5678 | tar x", "hand it on"}});
  return [options](Context& context) {
    options->receive.idle_timeout = options->limits.idle;
    options->listening.options.stream.resets_on_close = true;
    return run(context, *options);
  };
}

}  // namespace sockx

#include "commands/transfer/receiving_service.hpp"

#include "base/error.hpp"
#include "base/text.hpp"
#include "commands/transfer/transfer_summary.hpp"
#include "os/calls.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

Phase phase_of(const TransferStats& stats) {
  if (stats.is_finishing) return Phase::finishing;
  const bool is_silent = stats.awaits_sender && Clock::now() - stats.last_byte >= patience_before_warning;
  return is_silent ? Phase::waiting : Phase::receiving;
}

SessionRouterOptions router_options(Context& context, const RecvFileOptions& options) {
  SessionRouterOptions rules;
  rules.most = options.hosting.most;
  rules.rejects = options.hosting.rejects;
  rules.names = verified_flag_names;
  rules.inform = [&context](const std::string& what) { context.log.info("{}", what); };
  rules.warn = [&context](const std::string& what) { context.log.warn("{}", what); };
  return rules;
}

}  // namespace

Task<> receive(Context& context, ProgressBoard& board, const RecvFileOptions& options, Connection connection,
               std::uint64_t number, Deadline deadline) {
  set_reset_on_close(connection.fd(), true);  // until the transfer is complete
  const auto peer = peer_name(connection);
  const auto sender = connection.stream.facts();
  const auto path = path_of(options.output, number, connection.peer);
  std::unique_ptr<ReceivedOutput> output;
  std::optional<TransferSummary> summary;  // once the output is open
  const auto state = [&] {
    const auto stats = summary ? summary->stats : TransferStats();
    return ProgressState{phase_of(stats), peer, output ? output->described().name : path, stats.bytes,
                         options.receive.expected};
  };
  std::optional<Progress> shown(std::in_place, board, state);
  const auto fifo_limit = std::min(deadline, deadline_in(options.limits.idle));
  try {
    output = co_await open_received_output(options.output, path, sender, fifo_limit);
  } catch (const TimedOut& reason) {
    const auto& expected = options.receive.expected;
    if (expected > 0U)
      throw Incomplete(text("0 of {} arrived: {}", counted(*expected, "byte"), reason.what()));
    throw;
  }
  const bool names_file = options.output.is_pattern && !options.output.discard;
  const auto& file = output->described().name;
  const auto line = [file, names_file](const std::string& received, const TransferStats& stats, const Cost&,
                                       bool complete) {
    const auto into = names_file ? text(", into {}", file) : "";
    const auto* const why = stats.awaits_sender ? ", incomplete: the sender had not ended" : ", incomplete";
    return text("received {}{}", received, complete ? into : why);
  };
  summary.emplace(context, TransferSummary::Kind::received, connection, file, line);
  auto limits = options.receive;
  limits.tell_silent = [&context](const std::string& what) {
    context.log.warn("{} (nc needs -N to end; --idle-timeout limits the wait)", what);
  };
  limits.deadline = deadline;
  auto receiving = receive_file(std::move(connection), output->take_fd(), output->described(), limits,
                                summary->stats, [&] { output->complete(options.fsync); });
  co_await std::move(receiving);
  shown.reset();
  summary->complete();
}

VerifiedReceiveOptions verified_options(const RecvFileOptions& options, Deadline deadline) {
  auto wanted = options.verified.options;
  if (options.output.path_given) wanted.output = options.output.path;
  wanted.sync = options.fsync;
  wanted.most = options.receive.most;
  wanted.idle_timeout = options.limits.idle;
  wanted.deadline = deadline;
  return wanted;
}

ReceivingService::ReceivingService(EventLoop& loop, Context& context, ProgressBoard& board,
                                   const RecvFileOptions& options, Deadline deadline)
    : loop_(loop),
      context_(context),
      board_(board),
      options_(options),
      deadline_(deadline),
      router_(loop, router_options(context, options)),
      changed_(loop) {
  if (options.endpoint) listens_at(options.endpoint->to_string());
  if (!options.hosting.keep_open)
    waiting_.emplace(board, [this] { return ProgressState{Phase::listening, where_}; });
}

void ReceivingService::listens_at(const std::string& where) {
  where_ = where;
  if (options_.hosting.keep_open)
    board_.tell_when_idle([where] { return ProgressState{Phase::listening, where}; });
}

Task<> ReceivingService::serve(Connection connection, Seat seat) {
  waiting_.reset();
  changed_.notify();
  const bool keeps_open = options_.hosting.keep_open;
  const bool is_alone = !keeps_open && !std::exchange(has_begun_, true);
  context_.log.info("connection from {}", connection.name());
  auto receiving = receive_next(std::move(connection), seat.number, is_alone);
  const auto failure = co_await outcome_of(std::move(receiving));
  if (is_alone) {
    failure_ = failure;
    has_ended_ = true;
    changed_.notify();
  } else if (failure && !context_.report.failure()) {
    context_.log.warn("{}", describe_failure(failure).message);
  }
  if (failure) std::rethrow_exception(failure);
}

Task<> ReceivingService::run(Server& server) {
  server_ = &server;
  const auto limit = options_.hosting.keep_open ? never : accept_limit();
  while (!has_begun_ && !options_.hosting.keep_open) {
    const bool in_time = co_await changed_.wait(limit);
    if (!in_time && !has_begun_) throw TimedOut(text("accept {}: timed out", where_));
  }
  while (!has_ended_) {
    co_await changed_.wait();
  }
  server_ = nullptr;
  if (failure_) std::rethrow_exception(failure_);
}

/// New connections wait in the kernel's queue while the queue of results, or the router, is full.
Task<> ReceivingService::ready_for_next() {
  while (!context_.report.has_room_for_results()) {
    co_await loop_.sleep_until(after(100ms));
  }
  if (options_.verified.asked) {
    co_await router_.wait_for_room();
  }
}

Task<> ReceivingService::ready_to_stop() {
  is_stopping_ = true;
  co_await router_.finish();
}

Deadline ReceivingService::accept_limit() const {
  return std::min(deadline_, deadline_in(options_.limits.accept));
}

Task<> ReceivingService::receive_next(Connection connection, std::uint64_t number, bool is_alone) {
  if (!options_.verified.asked) {
    co_await receive(context_, board_, options_, std::move(connection), number, deadline_);
  } else if (is_alone) {
    co_await receive_only_transfer(std::move(connection));
  } else {
    co_await receive_transfer(std::move(connection));
  }
}

/// The connection begins a transfer, or is a further one of a transfer.
Task<> ReceivingService::receive_transfer(Connection connection) {
  const auto streams = co_await router_.route(connection);
  if (!streams) co_return;
  if (!options_.hosting.keep_open) {
    context_.log.warn("{} does not belong to this transfer, and is closed", connection.name());
    co_return;
  }
  const auto place = co_await router_.reserve_place(*streams);
  NextConnectionOf next = [this](SessionId session) { return next_connection_of(session, never); };
  auto wanted = verified_options(options_, deadline_);
  if (!place) wanted.refusal = "too many transfers are under way here";
  if (is_stopping_) wanted.refusal = "the receiver is stopping";
  co_await receive_verified_files(context_, board_, std::move(connection), std::move(next),
                                  std::move(wanted));
}

/// Stops accepting when the transfer has all its connections.
Task<> ReceivingService::receive_only_transfer(Connection connection) {
  auto wanted = verified_options(options_, deadline_);
  NextConnectionOf next;
  if (server_ != nullptr) {
    next = [this](SessionId session) { return next_connection_of(session, accept_limit()); };
    wanted.wants_no_more = [this] { return server_->stop_accepting(); };
  }
  co_await receive_verified_files(context_, board_, std::move(connection), std::move(next),
                                  std::move(wanted));
}

Task<Connection> ReceivingService::next_connection_of(SessionId session, Deadline deadline) {
  auto too_late = text("accept {}: timed out", where_);
  auto connection = co_await router_.next_connection_of(session, deadline, std::move(too_late));
  co_return connection;
}

}  // namespace sockx

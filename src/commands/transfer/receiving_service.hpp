// ReceivingService: what a server does whose connections bring files.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/progress.hpp"
#include "commands/transfer/recv_file.hpp"
#include "serve/server.hpp"
#include "transfer/verified/session_router.hpp"

namespace sockx {

/// Receives transfer `number` over the connection, raw, and reports it.
Task<> receive(Context& context, ProgressBoard& board, const RecvFileOptions& options, Connection connection,
               std::uint64_t number, Deadline deadline);
/// What a verified transfer is received with.
VerifiedReceiveOptions verified_options(const RecvFileOptions& options, Deadline deadline);

/// Receives one transfer after the other, several at once; or one alone, with further connections where it
/// is a verified one that asks for them.
class ReceivingService final : public Service {
 public:
  /// All that is referred to outlives this. `deadline` is for each transfer.
  ReceivingService(EventLoop& loop, Context& context, ProgressBoard& board, const RecvFileOptions& options,
                   Deadline deadline);

  void listens_at(const std::string& where);

  Task<> serve(Connection connection, Seat seat) override;
  /// Ends with a transfer that is alone, and throws what it has failed with.
  Task<> run(Server& server) override;
  Task<> ready_for_next() override;
  /// Until no transfer waits for a further connection; those that begin now are refused.
  Task<> ready_to_stop() override;

 private:
  Task<> receive_next(Connection connection, std::uint64_t number, bool is_alone);
  Task<> receive_verified(Connection connection);
  Task<> receive_verified_alone(Connection connection);
  Deadline accept_limit() const;
  Task<Connection> next_lane(SessionId session, Deadline deadline);

  EventLoop& loop_;
  Context& context_;
  ProgressBoard& board_;
  const RecvFileOptions& options_;
  Deadline deadline_;
  std::string where_;
  SessionRouter router_;
  Server* server_ = nullptr;  // while it accepts
  bool has_begun_ = false, has_ended_ = false, is_stopping_ = false;
  std::exception_ptr failure_;
  Notification changed_;             // has_begun_, has_ended_
  std::optional<Progress> waiting_;  // goes first
};

}  // namespace sockx

// ReceivingService: the service of recv-file.
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

/// Receives transfer `number` over the connection, without a protocol, and reports it.
Task<> receive(Context& context, ProgressBoard& board, const RecvFileOptions& options, Connection connection,
               std::uint64_t number, Deadline deadline);
/// The options of a verified transfer.
VerifiedReceiveOptions verified_options(const RecvFileOptions& options, Deadline deadline);

/// Receives transfers, several at once, or a single one. A verified transfer may have further connections.
class ReceivingService final : public Service {
 public:
  /// The references must outlive this. `deadline` applies to each transfer.
  ReceivingService(EventLoop& loop, Context& context, ProgressBoard& board, const RecvFileOptions& options,
                   Deadline deadline);

  void listens_at(const std::string& where);

  Task<> serve(Connection connection, Seat seat) override;
  /// Ends when the only transfer has ended, and throws its failure.
  Task<> run(Server& server) override;
  Task<> ready_for_next() override;
  /// Waits until no transfer needs a further connection. New transfers are refused from now on.
  Task<> ready_to_stop() override;

 private:
  Task<> receive_next(Connection connection, std::uint64_t number, bool is_alone);
  Task<> receive_transfer(Connection connection);
  Task<> receive_only_transfer(Connection connection);
  Deadline accept_limit() const;
  Task<Connection> next_connection_of(SessionId session, Deadline deadline);

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
  std::optional<Progress> waiting_;  // destroyed first
};

}  // namespace sockx

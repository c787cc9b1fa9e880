// What listen and connect have in common: one connection joined to the standard streams.
#pragma once

#include <CLI/App.hpp>

#include <optional>

#include "cli/context.hpp"
#include "cli/flags.hpp"
#include "flow/relay.hpp"
#include "net/socket.hpp"

namespace sockx {

struct ConversationOptions {
  std::optional<Until> until;  // by default both, or peer when standard input is a terminal
  bool no_shutdown = false;
  std::optional<Duration> eof_timeout;
  TimeLimits limits;
};

/// --until, --no-shutdown, --eof-timeout, --idle-timeout, --deadline.
void add_conversation_flags(CLI::App& app, ConversationOptions& options);

/// A conversation's bytes and time, told however it ends.
class ConversationSummary {
 public:
  explicit ConversationSummary(Context& context) : context_(context) {}
  ConversationSummary(const ConversationSummary&) = delete;
  ConversationSummary& operator=(const ConversationSummary&) = delete;
  ~ConversationSummary();
  Tally& begin(const Address& local, const Address& peer);

 private:
  Context& context_;
  Tally tally_;
  std::optional<Clock::time_point> begun_;
  std::string peer_;
};

/// Joins the connection to standard input and output until the session is over.
Task<> converse(Context& context, Socket socket, Address peer, const ConversationOptions& options,
                ConversationSummary& summary);

}  // namespace sockx

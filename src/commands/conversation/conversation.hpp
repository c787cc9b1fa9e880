// What listen and connect do with their connection.
#pragma once

#include "cli/context.hpp"
#include "cli/end_report.hpp"
#include "commands/conversation/conversation_options.hpp"
#include "commands/conversation/filters.hpp"
#include "net/stream/connection.hpp"

namespace sockx {

/// The bytes and time of a conversation, reported however it ends.
class ConversationSummary {
 public:
  explicit ConversationSummary(Context& context)
      : context_(context), report_(context, [this](bool) { tell(); }) {}
  Tally& begin(const Connection& connection);
  void complete() { report_.complete(); }

 private:
  void tell() const;
  Context& context_;
  Tally tally_;
  std::optional<Clock::time_point> begun_;
  std::string peer_;
  EndReport report_;  // destroyed first
};

/// The messages of a relay in the log; `stop` says how to stop when the second end has
/// ended: "B ends, say --until b".
RelayObserver tell_in(Log& log, std::string_view stop);

/// Throws BadInput for options that do not go together.
void check(const ConversationOptions& options, const StreamOptions& stream);

/// Joins the connection to the local end until the session is over. `processing` is made from the same
/// options, before there is a connection, so that a failure does not cost one.
Task<> converse(Context& context, Connection connection, const ConversationOptions& options,
                ProcessingBothWays processing, ConversationSummary& summary);

}  // namespace sockx

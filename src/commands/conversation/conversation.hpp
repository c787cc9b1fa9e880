// What listen and connect do with their connection.
#pragma once

#include "cli/context.hpp"
#include "cli/end_report.hpp"
#include "commands/conversation/conversation_options.hpp"
#include "commands/conversation/filters.hpp"
#include "net/stream/connection.hpp"

namespace sockx {

/// A conversation's bytes and time, told however it ends.
class ConversationSummary {
 public:
  explicit ConversationSummary(Context& context)
      : context_(context), report_(context, [this](bool) { tell(); }) {}
  Tally& begin(const Address& local, const Address& peer);
  void complete() { report_.complete(); }

 private:
  void tell() const;
  Context& context_;
  Tally tally_;
  std::optional<Clock::time_point> begun_;
  std::string peer_;
  EndReport report_;  // goes first
};

/// Throws BadInput for options that do not go together.
void check(const ConversationOptions& options, const StreamOptions& stream);

/// Joins the connection to our end, as the options say, until the session is over. `processing` is that of
/// the options, made before there was a connection to lose.
Task<> converse(Context& context, Connection connection, const ConversationOptions& options,
                ProcessingBothWays processing, ConversationSummary& summary);

}  // namespace sockx

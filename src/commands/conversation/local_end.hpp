// LocalEnd: the standard streams of a conversation, or a program or lines instead.
#pragma once

#include <optional>

#include "cli/context.hpp"
#include "commands/conversation/conversation_options.hpp"
#include "flow/relay.hpp"
#include "flow/stream.hpp"
#include "net/stream/connection.hpp"
#include "serve/program.hpp"

namespace sockx {

class LocalEnd {
 public:
  /// Takes over the standard streams, or starts the program, whose environment describes the connection.
  /// Throws Error.
  LocalEnd(Context& context, const ConversationOptions& options, const Connection& connection);

  /// For relay(). It refers to this object.
  Duplex duplex();
  /// Whether the input is a regular file; --line is not one.
  bool input_is_file() const { return !has_lines_ && input_ && input_->facts().is_file(); }
  /// Whether a user types the input.
  bool is_typed() const;
  bool is_program() const { return program_.has_value(); }
  /// Waits for the program, if there is one, and reports how it ended. If the end of the session has cut it
  /// off, it has `grace` to end, and is then terminated; otherwise until `limit`. Throws std::runtime_error
  /// when it failed, and TimedOut.
  Task<> wait_for_program(Duration grace, Deadline limit);

 private:
  Stream open_input(const ConversationOptions& options);
  Stream open_output(const ConversationOptions& options);

  Context& context_;
  bool has_lines_;
  std::optional<Program> program_;  // in place of the rest
  std::optional<Stream> input_;
  std::optional<Stream> output_;
};

}  // namespace sockx

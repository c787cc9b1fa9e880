// Our end of a conversation: the standard streams, or what takes their place.
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
  /// Takes the standard streams over or starts the program, which is told of the connection in its
  /// environment. Throws Error.
  LocalEnd(Context& context, const ConversationOptions& options, const Connection& connection);

  /// As an end of a relay. Borrows from this.
  Duplex duplex();
  /// Whether it is the content of a regular file; lines of the command line are none.
  bool input_is_file() const { return !has_lines_ && input_ && input_->facts().is_file(); }
  /// Whether somebody types the input.
  bool is_typed() const;
  bool is_program() const { return program_.has_value(); }
  /// Waits for the program, if there is one, and reports how it ended. One that the session's end has cut off
  /// has `grace` for it, and is then terminated; another is waited for until `limit`. Throws
  /// std::runtime_error when it failed, and TimedOut.
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

#include "commands/conversation/local_end.hpp"

#include <unistd.h>

#include <stdexcept>

#include "os/calls.hpp"
#include "os/standard_streams.hpp"
#include "os/substitutes.hpp"

namespace sockx {

namespace {

/// Whether no input is read, because nothing may be sent.
bool is_mute(const ConversationOptions& options) { return options.recv_only || options.shuts(SHUT_WR); }

}  // namespace

LocalEnd::LocalEnd(Context& context, const ConversationOptions& options, const Connection& connection)
    : context_(context), has_lines_(!options.lines.empty()) {
  if (options.program.is_given()) {
    program_.emplace(context.loop(), options.program, &connection);
    return;
  }
  input_.emplace(open_input(options));
  output_.emplace(open_output(options));
}

Stream LocalEnd::open_input(const ConversationOptions& options) {
  auto& loop = context_.loop();
  if (is_mute(options)) return {loop, open_null_device(), "/dev/null", Origin::local_file};
  if (has_lines_) return {loop, open_text(joined(options.lines, "\n") + '\n'), "--line", Origin::local_file};
  return Stream::standard_input(loop);
}

Stream LocalEnd::open_output(const ConversationOptions& options) {
  auto& loop = context_.loop();
  if (options.send_only) return {loop, open_null_device(), "/dev/null", Origin::local_file};
  return Stream::standard_output(loop);
}

Duplex LocalEnd::duplex() { return program_ ? program_->duplex() : Duplex{*input_, *output_}; }

bool LocalEnd::is_typed() const {
  return input_ && input_->facts().fd == STDIN_FILENO && isatty(STDIN_FILENO) != 0;
}

Task<> LocalEnd::wait_for_program(Duration grace, Deadline limit) {
  if (!program_) co_return;
  const auto end = co_await program_->wait(grace, limit);
  const auto& name = program_->name();
  const auto told = text("{} {}", name, end.how.to_string());
  context_.report.event("program", {{"program", name}, {"end", end.how.to_string()}});
  if (!end.in_time && !end.was_cut_off) throw TimedOut(text("{} has not ended in time", name));
  if (!end.how.is_success() && !end.was_cut_off) throw std::runtime_error(told);
  context_.log.debug("{}", told);
}

}  // namespace sockx

#include "commands/shared/our_end.hpp"

#include <unistd.h>

#include <stdexcept>

#include "os/calls.hpp"
#include "os/standard_streams.hpp"
#include "os/substitutes.hpp"

namespace sockx {

namespace {

/// What the program learns of the connection, as the handlers of other servers tell theirs.
std::vector<std::string> environment_for(const Socket& socket, const Address& peer) {
  const auto local = socket.local();
  return {text("SOCKX_PEER_ADDR={}", peer.host()), text("SOCKX_PEER_PORT={}", peer.port()),
          text("SOCKX_LOCAL_ADDR={}", local.host()), text("SOCKX_LOCAL_PORT={}", local.port()),
          text("SOCKX_PROTO={}", socket.protocol())};
}

std::string joined_lines(const std::vector<std::string>& lines) {
  std::string joined;
  for (const auto& line : lines) joined += line + '\n';
  return joined;
}

/// Whether nothing is read on our side, because that half of the connection is to stay silent or is shut.
bool is_mute(const ConversationOptions& options) { return options.recv_only || options.shuts(SHUT_WR); }

}  // namespace

OurEnd::OurEnd(Context& context, const ConversationOptions& options, const Socket& socket,
               const Address& peer)
    : context_(context), has_lines_(!options.lines.empty()) {
  if (options.runs_program()) start_program(options, socket, peer);
  input_.emplace(context.loop(), take_input(options));
  in_ = describe_end(input_->fd.get(), options);
  output_.emplace(context.loop(), take_output(options));
  out_ = describe_end(output_->fd.get(), options);
}

void OurEnd::start_program(const ConversationOptions& options, const Socket& socket, const Address& peer) {
  program_ = options.exec ? context_.program.front() : "sh";
  const auto words =
      options.exec ? context_.program : std::vector<std::string>{"/bin/sh", "-c", options.shell_command};
  child_.emplace(words, Child::Options{.takes_input = true,
                                       .shares_error = true,
                                       .leads_group = !options.exec,
                                       .environment = environment_for(socket, peer)});
}

UniqueFd OurEnd::take_input(const ConversationOptions& options) {
  if (child_) return child_->take_output();
  if (is_mute(options)) return open_null_device();
  if (!options.lines.empty()) return open_text(joined_lines(options.lines));
  return take_standard_input();
}

UniqueFd OurEnd::take_output(const ConversationOptions& options) {
  if (child_) return child_->take_input();
  if (options.send_only) return open_null_device();
  return take_standard_output();
}

Descriptor OurEnd::describe_end(int fd, const ConversationOptions& options) const {
  const bool is_input = input_ && fd == input_->fd.get();
  if (child_) return describe(fd, text("{} of {}", is_input ? "stdout" : "stdin", program_), Origin::child);
  if (fd <= 1) return describe_standard_stream(fd);
  return describe(fd, options.lines.empty() || !is_input ? "/dev/null" : "--line", Origin::local_file);
}

NearSide OurEnd::near_side() { return {in_, out_, input_->watch, output_}; }

bool OurEnd::is_typed() const { return in_.fd == STDIN_FILENO && isatty(STDIN_FILENO) != 0; }

Task<> OurEnd::wait_for_program(Duration grace, Deadline limit) {
  if (!child_) co_return;
  const bool is_cut_off = look_ahead(in_).state != IoResult::State::eof;
  input_.reset();  // whoever writes there now gets SIGPIPE, and whoever reads the end
  output_.reset();
  Watch ended(co_await this_loop(), child_->end_fd());
  if (is_cut_off) limit = after(grace);
  const bool in_time = co_await ended.readable(limit);
  const auto end = in_time ? child_->reap() : child_->terminate();
  const auto told = text("{} {}", program_, end.to_string());
  context_.report.event("program", {{"program", program_}, {"end", end.to_string()}});
  if (!in_time && !is_cut_off) throw TimedOut(text("{} has not ended in time", program_));
  if (!end.is_success() && !is_cut_off) throw std::runtime_error(told);
  context_.log.debug("{}", told);
}

}  // namespace sockx

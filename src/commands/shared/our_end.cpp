#include "commands/shared/our_end.hpp"

#include <unistd.h>

#include <stdexcept>

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
bool is_mute(const ConversationOptions& options) {
  return options.recv_only || options.shutdown == SHUT_WR || options.shutdown == SHUT_RDWR;
}

}  // namespace

OurEnd::OurEnd(Context& context, const ConversationOptions& options, const Socket& socket,
               const Address& peer)
    : context_(context),
      program_(options.exec             ? context.program.front()
               : options.runs_program() ? "sh"
                                        : ""),
      has_lines_(!options.lines.empty()),
      input_(context.loop(),
             [&] {
               if (options.runs_program()) {
                 const auto words = options.exec
                                        ? context.program
                                        : std::vector<std::string>{"/bin/sh", "-c", options.shell_command};
                 child_.emplace(words, Child::Options{.takes_input = true,
                                                      .shares_error = true,
                                                      .environment = environment_for(socket, peer)});
               }
               return take_input(options);
             }()),
      in_(describe_end(input_.fd.get(), options)) {
  output_.emplace(context.loop(), take_output(options));
  out_ = describe_end(output_->fd.get(), options);
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
  const bool is_input = fd == input_.fd.get();
  if (child_) return describe(fd, text("{} of {}", is_input ? "stdout" : "stdin", program_), Origin::child);
  if (fd <= 1) return describe_standard_stream(fd);
  return describe(fd, options.lines.empty() || !is_input ? "/dev/null" : "--line", Origin::local_file);
}

NearSide OurEnd::near_side() { return {in_, out_, input_.watch, output_}; }

bool OurEnd::is_typed() const { return in_.fd == STDIN_FILENO && isatty(STDIN_FILENO) != 0; }

Task<> OurEnd::wait_for_program() {
  if (!child_) co_return;
  Watch ended(co_await this_loop(), child_->end_fd());
  co_await ended.readable();
  const auto end = child_->reap();
  const auto told = text("{} {}", program_, end.to_string());
  context_.report.event("program", {{"program", program_}, {"end", end.to_string()}});
  if (!end.is_success()) throw std::runtime_error(told);
  context_.log.debug("{}", told);
}

}  // namespace sockx

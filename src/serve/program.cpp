#include "serve/program.hpp"

#include "base/text.hpp"
#include "net/tls/tls_facts.hpp"
#include "os/pseudo_terminal.hpp"
#include "os/terminal.hpp"
#include "os/terminal_mode.hpp"

namespace sockx {

namespace {

std::vector<std::string> words_of(const ProgramCall& call) {
  if (call.shell_command.empty()) return call.words;
  return {"/bin/sh", "-c", call.shell_command};
}

/// Who the peer is by its certificate, where that has been verified. Otherwise it is empty, rather than what
/// another program has told us.
std::string tls_subject_of(const Connection& connection) {
  const auto& tls = connection.tls;
  return tls && tls->verified_by != TlsFacts::VerifiedBy::nothing ? tls->peer.subject : "";
}

/// What the program learns of the connection, as the handlers of other servers tell theirs.
std::vector<std::string> environment_for(const Connection* given) {
  if (given == nullptr) return {};
  const auto& connection = *given;
  return peer_environment(connection.peer, connection.local(), connection.protocol(),
                          tls_subject_of(connection));
}

/// False at the deadline.
Task<bool> has_ended(const Child& child, Deadline deadline) {
  Watch end(co_await this_loop(), child.end_fd());
  co_return co_await end.readable(deadline);
}

}  // namespace

std::vector<std::string> peer_environment(const Address& peer, const Address& local,
                                          std::string_view protocol, const std::string& tls_subject) {
  return {text("SOCKX_PEER_ADDR={}", peer.host()),   text("SOCKX_PEER_PORT={}", peer.port()),
          text("SOCKX_LOCAL_ADDR={}", local.host()), text("SOCKX_LOCAL_PORT={}", local.port()),
          text("SOCKX_PROTO={}", protocol),          text("SOCKX_TLS_SUBJECT={}", tls_subject)};
}

Program::Program(EventLoop& loop, const ProgramCall& call, const Connection* connection)
    : Program(loop, call, environment_for(connection)) {}

Program::Program(EventLoop& loop, const ProgramCall& call, std::vector<std::string> environment)
    : name_(call.shell_command.empty() ? call.words.front() : "sh"), window_of_(call.window_of) {
  Child::Options options{.environment = std::move(environment), .descriptor_limit = call.descriptor_limit};
  if (call.has_terminal)
    start_on_terminal(loop, call, std::move(options));
  else
    start_on_pipes(loop, call, std::move(options));
}

void Program::start_on_pipes(EventLoop& loop, const ProgramCall& call, Child::Options options) {
  options.takes_input = options.shares_error = true;
  options.leads_group = !call.shell_command.empty();
  child_ = std::make_unique<Child>(words_of(call), std::move(options));
  output_.emplace(loop, child_->take_output(), text("stdout of {}", name_), Origin::child);
  input_.emplace(loop, child_->take_input(), text("stdin of {}", name_), Origin::child);
}

void Program::start_on_terminal(EventLoop& loop, const ProgramCall& call, Child::Options options) {
  auto terminal = open_pseudo_terminal();
  take_for_utf8(terminal.master.get());
  set_window_size(terminal.master.get(), window_size(window_of_).value_or(WindowSize()));
  const auto theirs = open_other_side(terminal);
  options.terminal = theirs.get();
  child_ = std::make_unique<Child>(words_of(call), std::move(options));
  auto facts = describe_terminal(terminal.master.get(), text("the terminal of {}", name_), Origin::child,
                                 Descriptor::HangUp::end);
  output_.emplace(loop, std::move(terminal.master), std::move(facts));
}

Duplex Program::duplex() {
  const bool has_terminal = !input_;
  return {.in = *output_,
          .out = has_terminal ? *output_ : *input_,
          .reader_may_leave = true,
          .is_terminal = has_terminal};
}

void Program::follow_window() const {
  const auto size = window_size(window_of_);
  if (size && output_) set_window_size(output_->facts().fd, *size);
}

Task<Program::End> Program::wait(Duration grace, Deadline limit) {
  End end;
  end.was_cut_off = output_->look_ahead().state != IoResult::State::eof;
  // The program gets SIGPIPE when it writes, and the end when it reads; on a terminal SIGHUP.
  output_.reset();
  input_.reset();
  if (end.was_cut_off) limit = after(grace);
  end.in_time = co_await has_ended(*child_, limit);
  if (!end.in_time) {
    co_await has_ended(*child_, child_->ask_to_end());
  }
  end.how = end.in_time ? child_->reap() : child_->terminate();
  child_.reset();
  co_return end;
}

std::unique_ptr<Child> Program::release() {
  output_.reset();
  input_.reset();
  return std::move(child_);
}

namespace {

Task<> end_in_its_second(std::unique_ptr<Child> child, std::shared_ptr<void> place) {
  co_await has_ended(*child, child->ask_to_end());
  child->terminate();
  place.reset();
}

}  // namespace

void ProgramEnder::end(std::unique_ptr<Child> child, std::shared_ptr<void> place) {
  child->ask_to_end();
  ending_.spawn(end_in_its_second(std::move(child), std::move(place)));
}

}  // namespace sockx

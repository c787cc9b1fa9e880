// An end that is a program.
#include <stdexcept>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "serve/ends/relay_end.hpp"

namespace sockx {

namespace {

class OpenProgram final : public OpenEnd {
 public:
  OpenProgram(EventLoop& loop, const ProgramCall& call, OpenedFor what, ProgramEnder& ender)
      : program_(loop, call, what.client), place_(std::move(what.place)), ender_(ender) {}
  /// A program that goes on after the end of its client must not keep the others waiting.
  ~OpenProgram() override {
    if (auto child = program_.release()) ender_.end(std::move(child), std::move(place_));
  }

  Duplex duplex() override { return program_.duplex(); }
  void note_window() override { program_.follow_window(); }

  Task<> wait(Duration grace, Deadline limit) override {
    const auto end = co_await program_.wait(grace, limit);
    if (end.was_cut_off) co_return;
    if (!end.in_time) throw TimedOut(text("{} has not ended in time", program_.name()));
    if (!end.how.is_success()) throw std::runtime_error(text("{} {}", program_.name(), end.how.to_string()));
  }

 private:
  Program program_;
  std::shared_ptr<void> place_;
  ProgramEnder& ender_;
};

class ProgramEnd final : public RelayEnd {
 public:
  explicit ProgramEnd(ProgramCall call) : call_(std::move(call)) {}

  Task<std::unique_ptr<OpenEnd>> open(OpenedFor what) override {
    auto& loop = co_await this_loop();
    if (!ender_) ender_.emplace(loop);
    co_return std::make_unique<OpenProgram>(loop, call_, std::move(what), *ender_);
  }

  /// Two pipes and the process, and for a moment what tells whether it could be started.
  std::size_t descriptors() const override { return 7; }
  /// A shell at a terminal goes on until it is told to end.
  bool never_ends() const override { return call_.has_terminal; }

 private:
  ProgramCall call_;
  std::optional<ProgramEnder> ender_;
};

}  // namespace

std::unique_ptr<RelayEnd> make_program_end(ProgramCall call) {
  return std::make_unique<ProgramEnd>(std::move(call));
}

}  // namespace sockx

// exec: a program for every client.
#include <stdexcept>

#include "base/text.hpp"
#include "serve/handler.hpp"
#include "serve/program.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

/// A program that does not heed the end of its client would keep the others waiting.
class EndedInAnyCase {
 public:
  EndedInAnyCase(Program& program, ProgramEnder& ender, std::shared_ptr<void> place)
      : program_(program), ender_(ender), place_(std::move(place)) {}
  EndedInAnyCase(const EndedInAnyCase&) = delete;
  EndedInAnyCase& operator=(const EndedInAnyCase&) = delete;
  ~EndedInAnyCase() {
    if (auto child = program_.release()) ender_.end(std::move(child), std::move(place_));
  }

 private:
  Program& program_;
  ProgramEnder& ender_;
  std::shared_ptr<void> place_;
};

class Exec : public Handler {
 public:
  explicit Exec(ProgramCall call) : call_(std::move(call)) {}

  Task<> serve(Client& client) override {
    auto& loop = co_await this_loop();
    if (!ender_) ender_.emplace(loop);
    Program program(loop, call_, client.connection);
    const EndedInAnyCase ended(program, *ender_, client.place);
    auto ours = program.duplex();
    Duplex theirs{client.stream(), client.stream(), &client.cut};
    RelayRules rules;
    RelayObserver nobody = [](const RelayEvent&) {};
    co_await relay(std::move(ours), std::move(theirs), std::move(rules), client.tally, std::move(nobody));
    const auto end = co_await program.wait(5s, never);
    if (!end.how.is_success() && !end.was_cut_off)
      throw std::runtime_error(text("{} {}", program.name(), end.how.to_string()));
  }

  /// Two pipes and the process, and for a moment what tells whether it could be started.
  std::size_t descriptors() const override { return 7; }

 private:
  ProgramCall call_;
  std::optional<ProgramEnder> ender_;
};

}  // namespace

std::unique_ptr<Handler> make_exec(ProgramCall call) { return std::make_unique<Exec>(std::move(call)); }

}  // namespace sockx

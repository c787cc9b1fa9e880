// exec: a program for every client.
#include <stdexcept>

#include "base/on_exit.hpp"
#include "base/text.hpp"
#include "serve/handler.hpp"
#include "serve/program.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

class Exec : public Handler {
 public:
  explicit Exec(ProgramCall call) : call_(std::move(call)) {}

  Task<> serve(Client& client) override {
    auto& loop = co_await this_loop();
    if (!ender_) ender_.emplace(loop);
    Program program(loop, call_, client.connection);
    // A program that goes on after the end of its client must not keep the others waiting.
    const OnExit ending([&] {
      if (auto child = program.release()) ender_->end(std::move(child), client.place);
    });
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

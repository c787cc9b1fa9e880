// A handler that joins every client to an end of its own, such as a connection or a program.
#include "serve/join.hpp"

#include <utility>

namespace sockx {

using namespace std::chrono_literals;

Task<> join(Client& client, OpenEnd& end, const JoinOptions& options) {
  auto ours = end.duplex();
  Duplex theirs{client.stream(), client.stream(), &client.cut};
  if (end.connection() != nullptr)  // the kernel does that
    ours.awaits_acknowledgement = theirs.awaits_acknowledgement = false;
  if (options.filter) {
    auto filters = options.filter(client);
    ours.carried.processing = std::move(filters.sent);
    theirs.carried.processing = std::move(filters.received);
  }
  auto rules = options.rules;
  RelayObserver nobody = [](const RelayEvent&) {};
  co_await relay(std::move(ours), std::move(theirs), std::move(rules), client.tally, std::move(nobody));
  co_await end.wait(5s, never);
}

namespace {

class Join : public Handler {
 public:
  Join(std::unique_ptr<RelayEnd> end, JoinOptions options)
      : end_(std::move(end)), options_(std::move(options)) {}

  Task<> serve(Client& client) override {
    OpenedFor what{&client.connection, client.place};
    const auto opened = co_await end_->open(std::move(what));
    co_await join(client, *opened, options_);
  }

  std::size_t descriptors() const override { return end_->descriptors(); }

 private:
  std::unique_ptr<RelayEnd> end_;
  JoinOptions options_;
};

}  // namespace

std::unique_ptr<Handler> make_join(std::unique_ptr<RelayEnd> end, JoinOptions options) {
  return std::make_unique<Join>(std::move(end), std::move(options));
}

}  // namespace sockx

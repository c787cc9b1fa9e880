// join: every client is joined to an end that is opened for it, such as a connection or a program.
#include "flow/relay.hpp"
#include "serve/handler.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

class Join : public Handler {
 public:
  Join(std::unique_ptr<RelayEnd> end, JoinOptions options)
      : end_(std::move(end)), options_(std::move(options)) {}

  Task<> serve(Client& client) override {
    OpenedFor what{&client.connection, client.place};
    const auto opened = co_await end_->open(std::move(what));
    auto ours = opened->duplex();
    Duplex theirs{client.stream(), client.stream(), &client.cut};
    if (opened->connection() != nullptr)  // the kernel does that
      ours.awaits_acknowledgement = theirs.awaits_acknowledgement = false;
    if (options_.filter) {
      auto filters = options_.filter(client);
      ours.carried.processing = std::move(filters.sent);
      theirs.carried.processing = std::move(filters.received);
    }
    auto rules = options_.rules;
    RelayObserver nobody = [](const RelayEvent&) {};
    co_await relay(std::move(ours), std::move(theirs), std::move(rules), client.tally, std::move(nobody));
    co_await opened->wait(5s, never);
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

// forward: every client is joined to a connection of its own, dialed for it.
#include <memory>

#include "flow/cut_unless_complete.hpp"
#include "flow/relay.hpp"
#include "serve/handler.hpp"

namespace sockx {

namespace {

class Forward : public Handler {
 public:
  explicit Forward(ForwardOptions options) : options_(std::move(options)) {}

  Task<> serve(Client& client) override {
    auto dialing = options_.dialing;
    if (options_.connect_timeout) dialing.deadline = after(*options_.connect_timeout);
    if (options_.tells_client) {
      const ConnectionEnds ends{client.peer(), client.connection.local()};
      dialing.forwarded = std::make_shared<ConnectionEnds>(ends);
    }
    auto dialed = co_await dial(options_.to, std::move(dialing));
    CutUnlessComplete cut(dialed.fd());
    Duplex ours{dialed.stream, dialed.stream, &cut};
    Duplex theirs{client.stream(), client.stream(), &client.cut};
    ours.awaits_acknowledgement = theirs.awaits_acknowledgement = false;  // the kernel does that
    RelayRules rules;
    RelayObserver nobody = [](const RelayEvent&) {};
    co_await relay(std::move(ours), std::move(theirs), std::move(rules), client.tally, std::move(nobody));
  }

  /// The connection, and two pipes where a stream is long.
  std::size_t descriptors() const override { return 5; }

 private:
  ForwardOptions options_;
};

}  // namespace

std::unique_ptr<Handler> make_forward(ForwardOptions options) {
  return std::make_unique<Forward>(std::move(options));
}

}  // namespace sockx

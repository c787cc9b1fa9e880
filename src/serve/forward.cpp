// forward: every client is joined to a connection of its own, dialed for it.
#include <memory>

#include "flow/cut_unless_complete.hpp"
#include "serve/handler.hpp"
#include "serve/join.hpp"

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
    co_await join(client, dialed, cut);
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

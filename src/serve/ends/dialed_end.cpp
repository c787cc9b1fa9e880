// Ends that are connections.
#include <utility>

#include "serve/ends/relay_end.hpp"

namespace sockx {

namespace {

class OpenConnection final : public OpenEnd {
 public:
  explicit OpenConnection(Connection connection)
      : connection_(std::move(connection)), cut_(connection_.fd()) {}
  Duplex duplex() override { return {connection_.stream, connection_.stream, &cut_}; }
  Connection* connection() override { return &connection_; }

 private:
  Connection connection_;
  CutUnlessComplete cut_;  // destroyed first
};

class Dialed final : public RelayEnd {
 public:
  explicit Dialed(DialedEnd options) : options_(std::move(options)) {}

  Task<std::unique_ptr<OpenEnd>> open(OpenedFor what) override {
    auto to = options_.to;
    auto dialing = options_.dialing;
    if (options_.limit) dialing.deadline = after(*options_.limit);
    if (options_.tells_client && what.client != nullptr) {
      const ConnectionEnds ends{what.client->peer, what.client->local()};
      dialing.forwarded = std::make_shared<ConnectionEnds>(ends);
    }
    auto connection = co_await dial(std::move(to), std::move(dialing));
    co_return open_connection(std::move(connection));
  }

  /// The connection, and two pipes where a stream is long.
  std::size_t descriptors() const override { return 5; }

 private:
  DialedEnd options_;
};

}  // namespace

std::unique_ptr<OpenEnd> open_connection(Connection connection) {
  return std::make_unique<OpenConnection>(std::move(connection));
}

std::unique_ptr<RelayEnd> make_dialed_end(DialedEnd options) {
  return std::make_unique<Dialed>(std::move(options));
}

}  // namespace sockx

// forward: every client is joined to a connection of its own, dialed for it.
#include "flow/pumping.hpp"
#include "flow/task_group.hpp"
#include "os/text.hpp"
#include "serve/handler.hpp"

namespace sockx {

namespace {

/// A connection is reset when it is dropped, unless the conversation has come to its end: whoever is left may
/// not take what was cut for whole.
class CutUnlessComplete {
 public:
  explicit CutUnlessComplete(int socket) : socket_(socket) { set_reset_on_close(socket_, true); }
  CutUnlessComplete(const CutUnlessComplete&) = delete;
  CutUnlessComplete& operator=(const CutUnlessComplete&) = delete;
  void complete() const { set_reset_on_close(socket_, false); }

 private:
  int socket_;
};

class Forward : public Handler {
 public:
  explicit Forward(ForwardOptions options) : options_(std::move(options)) {}

  Task<> serve(Client& client) override {
    auto& loop = co_await this_loop();
    const CutUnlessComplete near_cut(client.socket.fd);
    auto dialing = options_.dialing;
    if (options_.connect_timeout) dialing.deadline = after(*options_.connect_timeout);
    auto dialed = co_await dial(options_.to, std::move(dialing));
    const auto far = dialed.socket.described(dialed.peer.to_string());
    Stream stream(loop, std::move(dialed.socket).release());
    const CutUnlessComplete far_cut(far.fd);
    auto& tally = client.tally;
    auto there =
        carry({client.socket, far}, client.watch, stream.watch, {nullptr, &tally.last_byte, &tally.received});
    auto back =
        carry({far, client.socket}, stream.watch, client.watch, {nullptr, &tally.last_byte, &tally.sent});
    co_await all(std::move(there), std::move(back));
    near_cut.complete();
    far_cut.complete();
  }

  /// The connection, and two pipes where a stream is long.
  std::size_t descriptors() const override { return 5; }

 private:
  static Task<> carry(std::pair<Descriptor, Descriptor> ends, Watch& from, Watch& to, Pacing pacing) {
    Pump pump(ends.first, ends.second);
    co_await run_pump(pump, from, to, pacing);
    shutdown_write(ends.second);
  }

  ForwardOptions options_;
};

}  // namespace

std::unique_ptr<Handler> make_forward(ForwardOptions options) {
  return std::make_unique<Forward>(std::move(options));
}

}  // namespace sockx

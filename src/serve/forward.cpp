// forward: every client is joined to a connection of its own, dialed for it.
#include "flow/cut_unless_complete.hpp"
#include "flow/pumping.hpp"
#include "flow/task_group.hpp"
#include "os/calls.hpp"
#include "os/error.hpp"
#include "os/text.hpp"
#include "serve/handler.hpp"

namespace sockx {

namespace {

class Forward : public Handler {
 public:
  explicit Forward(ForwardOptions options) : options_(std::move(options)) {}

  Task<> serve(Client& client) override {
    auto& loop = co_await this_loop();
    auto dialing = options_.dialing;
    if (options_.connect_timeout) dialing.deadline = after(*options_.connect_timeout);
    auto dialed = co_await dial(options_.to, std::move(dialing));
    const auto far = dialed.socket.described(dialed.peer.to_string());
    Stream stream(loop, std::move(dialed.socket).release());
    CutUnlessComplete far_cut(far.fd);
    auto& tally = client.tally;
    bool has_failed = false;
    auto there = carry({client.socket, far}, client.watch, stream.watch,
                       {nullptr, &tally.last_byte, &tally.received}, has_failed);
    auto back = carry({far, client.socket}, stream.watch, client.watch,
                      {nullptr, &tally.last_byte, &tally.sent}, has_failed);
    co_await all(std::move(there), std::move(back));
    client.cut.complete();
    far_cut.complete();
  }

  /// The connection, and two pipes where a stream is long.
  std::size_t descriptors() const override { return 5; }

 private:
  /// The error of a reset connection is told once, and may have been told to the other direction: then what
  /// looks like the end here is none, and must not be passed on as one.
  static Task<> carry(std::pair<Descriptor, Descriptor> ends, Watch& from, Watch& to, Pacing pacing,
                      bool& has_failed) {
    Pump pump(ends.first, ends.second);
    bool is_gone = false;
    try {
      co_await run_pump(pump, from, to, pacing);
      if (!has_failed) shutdown_write(ends.second);
    } catch (const SinkGone&) {
      is_gone = true;
    } catch (...) {
      has_failed = true;
      throw;
    }
    if (is_gone) {
      co_await expect_nothing_more(std::move(ends), from);
    }
  }

  /// A unix socket tells when its peer has closed it; what that peer has said before still goes the other
  /// way.
  static Task<> expect_nothing_more(std::pair<Descriptor, Descriptor> ends, Watch& from) {
    const auto& [source, sink] = ends;
    auto waiting = look_ahead(source);
    while (waiting.state == IoResult::State::again) {
      from.forget_readable();
      co_await from.readable();
      waiting = look_ahead(source);
    }
    if (waiting.state == IoResult::State::moved) throw Error(EPIPE, text("write {}", sink.name), sink.origin);
  }

  ForwardOptions options_;
};

}  // namespace

std::unique_ptr<Handler> make_forward(ForwardOptions options) {
  return std::make_unique<Forward>(std::move(options));
}

}  // namespace sockx

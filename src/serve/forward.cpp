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
    auto dialing = options_.dialing;
    if (options_.connect_timeout) dialing.deadline = after(*options_.connect_timeout);
    auto dialed = co_await dial(options_.to, std::move(dialing));
    auto& far = dialed.stream;
    CutUnlessComplete far_cut(dialed.fd());
    auto& tally = client.tally;
    bool has_failed = false;
    auto there = carry(client.stream(), far, {nullptr, &tally.last_byte, &tally.received}, has_failed);
    auto back = carry(far, client.stream(), {nullptr, &tally.last_byte, &tally.sent}, has_failed);
    co_await all(std::move(there), std::move(back));
    client.cut.complete();
    far_cut.complete();
  }

  /// The connection, and two pipes where a stream is long.
  std::size_t descriptors() const override { return 5; }

 private:
  /// The error of a reset connection is told once, and may have been told to the other direction: then what
  /// looks like the end here is none, and must not be passed on as one.
  static Task<> carry(Stream& from, Stream& to, Pacing pacing, bool& has_failed) {
    Pump pump(from, to);
    bool is_gone = false;
    try {
      co_await run_pump(pump, pacing);
      if (!has_failed) {
        co_await to.finish_writing();
      }
    } catch (const SinkGone&) {
      is_gone = true;
    } catch (...) {
      has_failed = true;
      throw;
    }
    if (is_gone) {
      co_await expect_nothing_more(from, to);
    }
  }

  /// A unix socket tells when its peer has closed it; what that peer has said before still goes the other
  /// way.
  static Task<> expect_nothing_more(Stream& from, const Stream& to) {
    auto waiting = from.look_ahead();
    while (waiting.state == IoResult::State::again) {
      from.watch().forget_readable();
      co_await from.readable();
      waiting = from.look_ahead();
    }
    if (waiting.state == IoResult::State::moved)
      throw Error(EPIPE, text("write {}", to.name()), to.facts().origin);
  }

  ForwardOptions options_;
};

}  // namespace

std::unique_ptr<Handler> make_forward(ForwardOptions options) {
  return std::make_unique<Forward>(std::move(options));
}

}  // namespace sockx

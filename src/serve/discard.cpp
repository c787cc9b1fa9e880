// discard: what a client says is counted and dropped in the kernel.
#include "serve/handler.hpp"

namespace sockx {

namespace {

class Discard : public Handler {
 public:
  Task<> serve(Client& client) override {
    client.cut.note_caught_up();
    co_await drain(client.socket, client.watch, never, &client.tally.last_byte, &client.tally.received);
    client.end_output();
  }

  bool is_silent() const override { return true; }
};

}  // namespace

std::unique_ptr<Handler> make_discard() { return std::make_unique<Discard>(); }

}  // namespace sockx

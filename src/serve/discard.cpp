// discard: what a client says is counted and dropped in the kernel.
#include "serve/handler.hpp"

namespace sockx {

namespace {

class Discard : public Handler {
 public:
  Task<> serve(Client& client) override {
    client.cut.note_caught_up();
    co_await client.stream().drain(never, &client.tally.last_byte, &client.tally.received);
    co_await client.end_output();
  }

  bool is_silent() override { return true; }
};

}  // namespace

std::unique_ptr<Handler> make_discard() { return std::make_unique<Discard>(); }

}  // namespace sockx

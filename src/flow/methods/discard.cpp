// discard: recv(2) with MSG_TRUNC and no buffer lets TCP drop bytes where they are (tcp(7)).
#include <algorithm>

#include "flow/method.hpp"
#include "os/bytes.hpp"

namespace sockx {

namespace {

class Discard : public Method {
 public:
  explicit Discard(PlainEnds ends) : ends_(ends) {
    if (ends_.chunk == 0) ends_.chunk = 4 * 1024 * 1024;
  }

  std::string_view name() const override { return "discard"; }

  Move move(std::uint64_t most) override {
    ++calls_;
    const auto got =
        discard_some(ends_.from, static_cast<std::size_t>(std::min<std::uint64_t>(most, ends_.chunk)));
    if (got.state == IoResult::State::eof) return {Move::State::ended};
    if (got.state != IoResult::State::moved) return {Move::State::no_input};
    return {Move::State::moved, got.bytes};
  }

 private:
  PlainEnds ends_;
};

}  // namespace

std::unique_ptr<Method> make_discard(PlainEnds ends) { return std::make_unique<Discard>(ends); }

}  // namespace sockx

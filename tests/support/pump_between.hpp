// PumpBetween: a pump between two descriptors of a test.
#pragma once

#include <optional>
#include <utility>

#include "flow/event_loop.hpp"
#include "flow/pump.hpp"
#include "flow/stream.hpp"

namespace test {

struct BorrowedEnds {
  BorrowedEnds(sockx::EventLoop* loop, sockx::Descriptor from, sockx::Descriptor to)
      : source(sockx::Stream::borrow(loop != nullptr ? *loop : idle.emplace(), std::move(from))),
        sink(sockx::Stream::borrow(loop != nullptr ? *loop : *idle, std::move(to))) {}
  std::optional<sockx::EventLoop> idle;  // for streams that nobody waits on
  sockx::Stream source, sink;
};

/// Borrows the descriptors. `loop` is the one that runs run_pump(); a test that steps the pump itself needs
/// none.
class PumpBetween : private BorrowedEnds, public sockx::Pump {
 public:
  PumpBetween(sockx::Descriptor from, sockx::Descriptor to, sockx::PumpOptions options = {},
              sockx::EventLoop* loop = nullptr)
      : BorrowedEnds(loop, std::move(from), std::move(to)), Pump(source, sink, std::move(options)) {}
};

}  // namespace test

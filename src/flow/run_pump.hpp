// run_pump(): drives a pump and waits for what it lacks.
#pragma once

#include <cstdint>

#include "flow/event_loop.hpp"
#include "flow/pump.hpp"
#include "flow/rate_limit.hpp"

namespace sockx {

/// The rate that run_pump() keeps to, and the counters that it keeps up to date.
struct PumpControl {
  RateLimit* rate = nullptr;               // null: as fast as it goes
  Clock::time_point* last_byte = nullptr;  // the loop's time when bytes last reached the sink
  std::uint64_t* bytes = nullptr;          // that have reached it, also when the pump fails or is dropped
};

/// Runs `pump` to its end. When the reader of the sink closes, the pump ends even while it waits for input.
Task<> run_pump(Pump& pump, PumpControl control = {});

}  // namespace sockx

// What a transfer came to and what it cost, as totals and events tell it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "cli/report.hpp"
#include "cli/units.hpp"
#include "transfer/transfer_stats.hpp"

namespace sockx {

/// "1048576 bytes from 127.0.0.1:40312 in 0.001 s, 1.05 GB/s"
inline std::string show_transfer(std::uint64_t bytes, std::string_view towards, std::string_view peer,
                                 Duration span) {
  const double rate = static_cast<double>(bytes) / seconds(span);
  return text("{} {} {} in {}, {}", counted(bytes, "byte"), towards, peer, show_duration(span),
              show_rate(rate));
}

/// user_seconds, system_seconds, system_calls and the context switches, each with `prefix` in front of its
/// name; null where nothing is known.
inline std::vector<Field> cost_fields(const std::optional<Cost>& cost, const std::string& prefix = {}) {
  const auto field = [&](const char* name, auto of) {
    return Field{prefix + name, cost ? Value(of(*cost)) : Value()};
  };
  return {field("user_seconds", [](const Cost& known) { return known.usage.user; }),
          field("system_seconds", [](const Cost& known) { return known.usage.system; }),
          field("system_calls", [](const Cost& known) { return known.system_calls; }),
          field("voluntary_switches", [](const Cost& known) { return known.usage.voluntary_switches; }),
          field("involuntary_switches", [](const Cost& known) { return known.usage.involuntary_switches; })};
}

}  // namespace sockx

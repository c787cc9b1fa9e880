// cost_fields(): what a transfer cost, as events tell it.
#pragma once

#include <string>
#include <vector>

#include "cli/report.hpp"
#include "transfer/transfer_stats.hpp"

namespace sockx {

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

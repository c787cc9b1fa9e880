// What a transfer moved and what it cost, for the result and the event at its end.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/context.hpp"
#include "cli/end_report.hpp"
#include "net/stream/connection.hpp"
#include "transfer/transfer_stats.hpp"

namespace sockx {

/// "1048576 bytes from 127.0.0.1:40312 in 0.001 s, 1.05 GB/s"
std::string show_transfer(std::uint64_t bytes, std::string_view towards, std::string_view peer,
                          Duration span);

/// user_seconds, system_seconds, system_calls and the context switches, each with `prefix` in front of its
/// name; null where nothing is known.
std::vector<Field> cost_fields(const std::optional<Cost>& cost, const std::string& prefix = {});

/// One raw transfer, from its beginning. It is reported once: at complete(), or as incomplete when this is
/// dropped before.
class TransferSummary {
 public:
  enum class Kind { sent, received };  // the names of the events
  /// The result as the user sees it; `shown` is show_transfer().
  using Line = std::function<std::string(const std::string& shown, const TransferStats& stats,
                                         const Cost& cost, bool complete)>;

  TransferSummary(Context& context, Kind kind, const Connection& connection, std::string file, Line line);
  void complete() { report_.complete(); }

  TransferStats stats;

 private:
  void tell(bool complete) const;

  Context& context_;
  Kind kind_;
  std::string peer_, file_;
  std::vector<Field> peer_fields_;
  Line line_;
  Clock::time_point begun_ = Clock::now();
  Usage usage_ = Usage::now();
  EndReport report_;  // destroyed first
};

}  // namespace sockx

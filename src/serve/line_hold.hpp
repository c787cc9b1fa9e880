// LineHold: keeps the lines of a stream whole, where several streams become one.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "base/non_copyable.hpp"

namespace sockx {

class LineHold : NonCopyable {
 public:
  static constexpr std::size_t longest = 64 * 1024;
  using Sink = std::function<void(std::span<const std::byte>)>;

  /// Without `whole_lines` bytes are passed on as they come.
  LineHold(bool whole_lines, Sink sink) : whole_lines_(whole_lines), sink_(std::move(sink)) {}
  /// Passes on all whole lines, and holds what is behind them. Throws std::runtime_error when a
  /// line is longer than `longest`; that line is dropped.
  void put(std::span<const std::byte> bytes);
  /// Passes on what is held, as a line. For the end of the stream, also after a failure: it has been
  /// received.
  void end();
  bool is_holding() const { return !held_.empty(); }
  /// What end() would pass on, for the caller to do so; nothing is held then.
  std::vector<std::byte> take();

 private:
  bool whole_lines_;
  Sink sink_;
  std::vector<std::byte> held_;
};

}  // namespace sockx

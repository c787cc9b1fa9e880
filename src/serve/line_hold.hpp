// LineHold: keeps the lines of a stream whole, where several streams become one.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace sockx {

class LineHold {
 public:
  static constexpr std::size_t longest = 64 * 1024;

  /// Of what was held and then `bytes` as much as ends with a line; what is behind that is held. The result
  /// lies in `bytes` or in `joined`. Throws std::runtime_error when a line is longer than `longest`.
  std::span<const std::byte> pass(std::span<const std::byte> bytes, std::vector<std::byte>& joined);
  /// What is held at the end of the stream, as a line; empty when that is nothing.
  std::vector<std::byte> rest();

 private:
  std::vector<std::byte> held_;
};

}  // namespace sockx

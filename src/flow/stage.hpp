// Stage: looks at or changes the bytes of one direction on their way from source to sink. Stages run in the
// order in which they are listed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "flow/side_file.hpp"

namespace sockx {

class Stage {
 public:
  virtual ~Stage() = default;
  /// Looks at the next bytes of the stream, or changes them in place.
  virtual void pass(std::vector<std::byte>& bytes) = 0;
  /// False while what is written beside the stream has not caught up, and the stream has to wait for it.
  virtual bool has_caught_up() { return true; }
};
using Stages = std::vector<std::shared_ptr<Stage>>;

void pass_through(const Stages& stages, std::vector<std::byte>& bytes);
bool have_caught_up(const Stages& stages);

/// A piece of at most 16 bytes of one direction.
struct DumpedRow {
  std::uint64_t offset;  // of its first byte in that direction's stream
  std::span<const std::byte> bytes;
};

/// Bare LF becomes CRLF. CRLF stays, also when CR and LF come in two pieces.
std::shared_ptr<Stage> make_crlf();
/// Writes all bytes to `file` as well.
std::shared_ptr<Stage> make_tee(std::shared_ptr<SideFile> file);
/// Gives all bytes to `write`, in rows; each pass begins a row. The stream waits until what `write` has
/// written `has_caught_up`.
std::shared_ptr<Stage> make_hexdump(std::function<void(const DumpedRow&)> write,
                                    std::function<bool()> has_caught_up);

}  // namespace sockx

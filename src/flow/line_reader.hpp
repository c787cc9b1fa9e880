// LineReader: the lines of a descriptor, as they come.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "flow/framing.hpp"
#include "flow/stream.hpp"
#include "os/descriptor.hpp"

namespace sockx {

class LineReader {
 public:
  /// `from` is borrowed, and must outlive this. A line may have `longest` bytes.
  LineReader(EventLoop& loop, Descriptor from, std::size_t longest);

  /// The next line without its newline; a last line may lack that. Nothing at the end. Throws Error, and
  /// BadInput for a line that is too long.
  Task<std::optional<std::string>> next();

 private:
  std::optional<std::string> take();

  Stream from_;
  std::size_t longest_;
  Framer framer_;
  std::vector<std::byte> buffer_;
};

}  // namespace sockx

// SideFile: a file that is written beside a stream.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/non_copyable.hpp"
#include "os/descriptor.hpp"
#include "os/unique_fd.hpp"

namespace sockx {

/// Never waits while the stream runs: bytes that a pipe or terminal does not take yet are kept. Throws Error
/// with Origin::local_file.
class SideFile : NonCopyable {
 public:
  enum class Begin { anew, append };  // whether a regular file is truncated
  /// Creates or truncates the file at `path` and opens it with O_APPEND, so that several writers may share
  /// it. A device is opened as it is. A FIFO is opened once it has a reader: until then all bytes are kept.
  /// Throws BadInput for the file of standard input or output. See open(2).
  explicit SideFile(const std::string& path, Begin begin = Begin::anew);
  /// Writes what is left, and gives up after 2 s without progress.
  ~SideFile();

  /// Opens it if that is possible now.
  bool is_open();
  void put(std::span<const std::byte> bytes);
  void put(std::string_view text) { put(std::as_bytes(std::span(text))); }
  /// Writes what it can; true when nothing is left.
  bool flush();

 private:
  std::string path_;
  Begin begin_;
  UniqueFd fd_;
  Descriptor file_;
  std::vector<std::byte> left_;
};

}  // namespace sockx

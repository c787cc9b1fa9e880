// Console: the operator's standard streams, which a server's clients share.
#pragma once

#include "flow/watch.hpp"
#include "os/calls.hpp"

namespace sockx {

class Console {
 public:
  /// Takes the standard streams over. Throws Error.
  explicit Console(EventLoop& loop);

  /// Until there is something to read, or the end.
  ReadinessWait input() { return input_.watch.readable(); }
  /// Whether somebody types the input.
  bool is_typed() const;
  /// read(2). Throws Error.
  IoResult read(std::span<std::byte> buffer);
  /// All of it; the bytes have to stay only until the first wait. One at a time. Throws Error.
  Task<> write(std::span<const std::byte> bytes);
  /// Until nobody reads standard output any more, which it throws as a write would.
  Task<> wait_for_reader_to_leave();

 private:
  Stream input_, output_;
  Descriptor in_, out_;
};

}  // namespace sockx

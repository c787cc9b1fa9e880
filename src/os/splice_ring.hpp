// SpliceRing: chains of splice(2) that the kernel works off by itself, by io_uring(7).
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "base/non_copyable.hpp"
#include "os/descriptor.hpp"

struct io_uring;
struct io_uring_sqe;

namespace sockx {

/// One chain at a time. Each step begins when the one before it has moved all its bytes; the first that does
/// not ends the chain. One completion tells of that, or of the last step.
class SpliceRing : NonCopyable {
 public:
  /// For chains of at most so many steps. Null where there is no io_uring for us, before Linux 5.17 for one;
  /// errno says why.
  static std::unique_ptr<SpliceRing> make(unsigned most_steps);
  ~SpliceRing();

  /// Readable when a chain has ended.
  int fd() const;
  /// The next step; it waits for no pipe and no socket.
  void add(const Descriptor& from, const Descriptor& to, std::size_t bytes);
  /// Begins the chain; does not wait. Throws Error.
  void submit();

  struct End {
    std::size_t step;  // by its number, from 0 on: those before it have moved all their bytes
    long result;       // bytes that it moved, or the errno, negative
  };
  /// How the chain has ended; nothing as long as it goes on.
  std::optional<End> take_end();

 private:
  SpliceRing();
  std::unique_ptr<io_uring> ring_;
  io_uring_sqe* last_ = nullptr;  // of the chain
  unsigned steps_ = 0;
};

}  // namespace sockx

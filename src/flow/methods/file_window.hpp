// FileWindow: a part of a file in our memory, for the methods that send from there.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "flow/call_size.hpp"
#include "os/descriptor.hpp"

namespace sockx {

/// Some pages of a file, mapped (mmap(2)). The whole file would count as memory of ours, and would be a
/// SIGBUS when the file shrinks: only calls of the kernel read a window, which then say EFAULT.
class FileWindow {
 public:
  /// At most `size` bytes, from the page of `position` on; none when the file ends there. Nothing when the
  /// file cannot be mapped. `calls`, which outlives the window, counts the system calls. The window is read
  /// before it is mapped: a page fault would make the kernel read around the page, as much as it may read
  /// ahead.
  static std::optional<FileWindow> map(const Descriptor& file, off_t position, std::size_t size,
                                       std::uint64_t& calls);

  /// The size for a call that may move `most` bytes, up to `usual`: to map a window reads it from the disk.
  /// Where it is a rate that allows only a few bytes, a window is not made for each of these.
  static std::size_t size_for(std::uint64_t most, std::size_t usual) {
    return static_cast<std::size_t>(std::clamp<std::uint64_t>(most, CallSize::least, usual));
  }

  off_t end() const { return end_; }  // in the file
  /// What it has from `position` on, at most `most` of it.
  std::span<const std::byte> bytes(off_t position, std::uint64_t most) const;

 private:
  struct Unmap {
    std::size_t length;
    std::uint64_t* calls;
    void operator()(std::byte* memory) const;
  };
  off_t begin_ = 0, end_ = 0;
  std::unique_ptr<std::byte, Unmap> memory_;
};

/// How much of the file there is, of the bytes before `end`: it may have shrunk. Throws Error.
off_t end_within(const Descriptor& file, off_t end);

}  // namespace sockx

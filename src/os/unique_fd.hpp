// UniqueFd: the owner of one descriptor.
#pragma once

#include <utility>

namespace sockx {

/// Owns a descriptor and closes it once; close(2) is never retried, because Linux has let go of the number
/// even when it reports EINTR. The numbers 0, 1 and 2 are never left free: /dev/null takes the place of a
/// closed one, so that no later socket can be mistaken for a standard stream.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

}  // namespace sockx

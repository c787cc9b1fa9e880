#include "os/splice_ring.hpp"

#include <fcntl.h>
#include <liburing.h>

#include <cerrno>

#include "os/observer.hpp"

namespace sockx {

SpliceRing::SpliceRing() = default;

std::unique_ptr<SpliceRing> SpliceRing::make(unsigned most_steps) {
  std::unique_ptr<SpliceRing> made(new SpliceRing);
  auto ring = std::make_unique<io_uring>();
  io_uring_params parameters{};
  const int result = io_uring_queue_init_params(most_steps, ring.get(), &parameters);
  if (result < 0) errno = -result;
  observe_call("io_uring_setup", result < 0 ? -1 : ring->ring_fd, "{}", most_steps);
  if (result < 0) return nullptr;
  made->ring_ = std::move(ring);
  if ((parameters.features & IORING_FEAT_CQE_SKIP) != 0) return made;
  made.reset();
  errno = ENOSYS;
  return nullptr;
}

SpliceRing::~SpliceRing() {
  if (ring_) io_uring_queue_exit(ring_.get());
}

int SpliceRing::fd() const { return ring_->ring_fd; }

void SpliceRing::add(const Descriptor& from, const Descriptor& to, std::size_t bytes) {
  // Of a step that moves all its bytes no word is needed; of one that does not, the rest of the chain is
  // dropped without a word.
  if (last_ != nullptr) io_uring_sqe_set_flags(last_, IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS);
  last_ = io_uring_get_sqe(ring_.get());
  io_uring_prep_splice(last_, from.fd, -1, to.fd, -1, static_cast<unsigned>(bytes),
                       SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  io_uring_sqe_set_data64(last_, steps_++);
}

void SpliceRing::submit() {
  int result = io_uring_submit(ring_.get());
  while (result == -EINTR) result = io_uring_submit(ring_.get());
  if (result < 0) errno = -result;
  observe_call("io_uring_enter", result < 0 ? -1 : result, "{}, {} {}", fd(), steps_,
               steps_ == 1 ? "splice" : "splices");
  if (result >= 0 && static_cast<unsigned>(result) < steps_) errno = EAGAIN;  // the chain would be torn
  if (result < 0 || static_cast<unsigned>(result) < steps_) throw_errno("io_uring_enter");
  last_ = nullptr;
  steps_ = 0;
}

std::optional<SpliceRing::End> SpliceRing::take_end() {
  io_uring_cqe* completion = nullptr;
  if (io_uring_peek_cqe(ring_.get(), &completion) != 0) return {};
  const End end{io_uring_cqe_get_data64(completion), completion->res};
  io_uring_cqe_seen(ring_.get(), completion);
  return end;
}

}  // namespace sockx

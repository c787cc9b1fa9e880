#include "serve/workers.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/error.hpp"
#include "os/calls.hpp"
#include "os/pipe.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

constexpr auto least_life = 1s;  // between two starts of one worker

/// A signal of the set, or 0 at the deadline. The time is looked at again after each interruption.
int wait_for_signal(const sigset_t& set, Deadline deadline) {
  for (;;) {
    const auto left = std::max<Clock::duration>(deadline - std::min(Clock::now(), deadline), 0s);
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    const timespec limit{seconds.count(),
                         static_cast<long>(std::chrono::nanoseconds(left - seconds).count())};
    const int signal = deadline == never ? sigwaitinfo(&set, nullptr) : sigtimedwait(&set, nullptr, &limit);
    if (signal > 0) return signal;
    if (errno == EAGAIN) return 0;
    if (errno != EINTR) throw_errno("sigtimedwait");
  }
}

}  // namespace

Workers::Workers(WorkersOptions options)
    : options_(std::move(options)),
      workers_(options_.count),
      deadline_(options_.deadline ? after(*options_.deadline) : never) {
  sigemptyset(&heard_);
  sigaddset(&heard_, SIGCHLD);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction current {};
    sigaction(number, nullptr, &current);
    if (current.sa_handler != SIG_IGN) sigaddset(&heard_, number);  // nohup(1)
  }
}

std::optional<unsigned> Workers::start() {
  ::signal(SIGCHLD, SIG_DFL);  // where it is ignored, the status of a child is lost
  sigprocmask(SIG_BLOCK, &heard_, &old_mask_);
  for (;;) {
    for (unsigned number = 0; number < workers_.size() && !is_stopping_; ++number) {
      const auto& worker = workers_[number];
      const bool is_due = worker.pid < 0 && worker.due <= Clock::now();
      if (is_due && start(number)) return number;
    }
    has_begun_ = true;
    if (is_stopping_ && !are_running()) break;
    const int signal = wait_for_signal(heard_, std::min(is_stopping_ ? never : deadline_, next_start()));
    if (signal == SIGCHLD)
      reap();
    else if (signal != 0)
      pass_on(signal);
    else if (!is_stopping_ && deadline_ <= Clock::now())
      pass_on(0);
  }
  sigprocmask(SIG_SETMASK, &old_mask_, nullptr);
  return {};
}

void Workers::let_signals_in() const { sigprocmask(SIG_SETMASK, &old_mask_, nullptr); }

/// True in the worker.
bool Workers::start(unsigned number) {
  auto& worker = workers_[number];
  const pid_t parent = getpid();
  worker.due = Clock::now() + least_life;
  auto pipe = make_pipe(0);
  if (!pipe && !has_begun_) throw_errno("pipe2");
  const pid_t pid = pipe ? fork() : -1;
  if (pid < 0 && !has_begun_) throw_errno("fork");
  if (pid < 0) return false;  // another second may have room
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(0);  // it has gone before that was said
    pipe_ = std::move(pipe->read_end);
    workers_.clear();
    return true;
  }
  worker.pipe = std::move(pipe->write_end);
  worker.pid = pid;
  options_.tell_started(number, pid);
  return false;
}

void Workers::reap() {
  for (unsigned number = 0; number < workers_.size(); ++number) {
    auto& worker = workers_[number];
    ChildEnd end;
    if (worker.pid < 0 || waitpid(worker.pid, &end.status, WNOHANG) != worker.pid) continue;
    worker.pid = -1;
    if (!is_stopping_) options_.tell_died(number, end);
  }
}

/// 0 stands for the deadline.
void Workers::pass_on(int signal) {
  const auto byte = static_cast<unsigned char>(signal != 0 ? signal : deadline_signal);
  for (const auto& worker : workers_) {
    if (worker.pid < 0) continue;
    // A failure is ignored: the worker has died, or its pipe is full because it reads no signals.
    uninterrupted([&] { return write(worker.pipe.get(), &byte, 1); });
  }
  if (is_stopping_ || (signal == SIGHUP && options_.outlive_hang_up)) return;
  is_stopping_ = true;
  signal_ = signal;
  options_.stop();
}

bool Workers::are_running() const {
  return std::ranges::any_of(workers_, [](const Worker& worker) { return worker.pid >= 0; });
}

Deadline Workers::next_start() const {
  Deadline next = never;
  for (const auto& worker : workers_)
    if (worker.pid < 0 && !is_stopping_) next = std::min<Deadline>(next, worker.due);
  return next;
}

}  // namespace sockx

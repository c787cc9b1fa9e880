// most_calls_in_a_turn(): what a task does to its loop where every call to the disk takes long.
#pragma once

#include <doctest/doctest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <functional>
#include <future>
#include <thread>
#include <vector>

#include "flow/event_loop.hpp"
#include "flow/task_group.hpp"
#include "os/unique_fd.hpp"

namespace test {

/// From now on these calls of this thread wait for who reads the descriptor: seccomp_unotify(2). Null where
/// the kernel or a filter does not allow that.
inline sockx::UniqueFd intercept(const std::vector<long>& calls) {
  std::vector<sock_filter> steps{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (const long call : calls) {
    steps.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call), 0, 1));
    steps.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF));
  }
  steps.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog program{static_cast<unsigned short>(steps.size()), steps.data()};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return {};
  return sockx::UniqueFd(static_cast<int>(
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program)));
}

struct SlowCalls {
  std::size_t all = 0;             // how many there were
  std::size_t most_in_a_turn = 0;  // of the loop, while something else wanted to have its turn
};

/// Runs `work` in a loop of its own, on a thread where each of `calls` takes longer than a turn may. Nothing
/// has been called where that is not possible.
inline SlowCalls most_calls_in_a_turn(const std::vector<long>& calls,
                                      const std::function<sockx::Task<>(sockx::EventLoop&)>& work) {
  using namespace std::chrono_literals;
  std::atomic<std::uint64_t> turns = 0;
  std::atomic<bool> has_ended = false;
  std::promise<int> listening;
  auto listener = listening.get_future();
  std::exception_ptr failure;
  std::thread worker([&] {
    const auto supervisor = intercept(calls);
    listening.set_value(supervisor.get());
    try {
      sockx::EventLoop loop;
      const auto count_turns = [&]() -> sockx::Task<> {
        for (;;) {
          ++turns;
          co_await loop.next_turn();
        }
      };
      std::vector<sockx::Task<>> tasks;
      tasks.push_back(work(loop));
      tasks.push_back(count_turns());
      if (supervisor) loop.run(any(std::move(tasks)));
    } catch (...) {
      failure = std::current_exception();
    }
    has_ended = true;
  });
  SlowCalls counted;
  std::uint64_t turn = 0;
  std::size_t in_this_turn = 0;
  pollfd called{listener.get(), POLLIN, 0};
  while (called.fd >= 0 && !has_ended) {
    if (poll(&called, 1, 10) <= 0 || (called.revents & POLLIN) == 0) continue;
    seccomp_notif call{};
    if (ioctl(called.fd, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) continue;
    in_this_turn = turns == turn ? in_this_turn + 1 : 1;
    turn = turns;
    ++counted.all;
    counted.most_in_a_turn = std::max(counted.most_in_a_turn, in_this_turn);
    std::this_thread::sleep_for(11ms);  // the disk
    seccomp_notif_resp answer{call.id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    ioctl(called.fd, SECCOMP_IOCTL_NOTIF_SEND, &answer);
  }
  worker.join();
  if (failure) std::rethrow_exception(failure);
  if (counted.all == 0) MESSAGE("skipped: no call can be held up here");
  return counted;
}

}  // namespace test

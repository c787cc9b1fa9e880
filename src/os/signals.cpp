#include "os/signals.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <set>

#include "base/error.hpp"
#include "os/before_death.hpp"

namespace sockx {

namespace {

// A handler can reach nothing but globals: these are what it needs.
std::atomic<int> wake_fd{-1};
std::atomic<int> first_signal{0};
std::atomic<std::uint64_t> repeatable_signals{0}, waiting_signals{0};  // sets; those that wait are repeatable
std::atomic<bool> is_deaf{false};

constexpr std::uint64_t bit_of(int signal) { return std::uint64_t{1} << (signal - 1); }

/// Keeps the signal. A second one that ends the run does so at once.
void note(int signal) {
  int none = 0;
  if (SignalCatcher::is_repeatable(signal))
    waiting_signals |= bit_of(signal);
  else if (!first_signal.compare_exchange_strong(none, signal))
    die_by_signal(signal);
}

void on_signal(int signal) {
  const int saved = errno;
  if (is_deaf) return;
  note(signal);
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(wake_fd, &one, sizeof one);
  errno = saved;
}

/// What was set for the signal before; nothing, and nothing is changed, where it is ignored.
std::optional<struct sigaction> replace_action(int signal, const struct sigaction& action) {
  struct sigaction old {};
  sigaction(signal, nullptr, &old);
  if (old.sa_handler == SIG_IGN) return {};
  sigaction(signal, &action, nullptr);
  return old;
}

}  // namespace

SignalCatcher::SignalCatcher(std::initializer_list<int> signals, Rules rules) : pipe_(rules.pipe) {
  wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd < 0) throw_errno("eventfd");
  first_signal = 0;
  repeatable_signals = waiting_signals = 0;
  std::set<int> all(signals);
  for (const int signal : rules.repeatable) {
    repeatable_signals |= bit_of(signal);
    all.insert(signal);
  }
  is_deaf = pipe_ >= 0;
  struct sigaction ours {};
  ours.sa_handler = on_signal;
  for (const int signal : all)
    if (const auto old = replace_action(signal, ours)) replaced_.push_back({signal, *old});
}

SignalCatcher::~SignalCatcher() {
  for (const auto& [signal, action] : replaced_) sigaction(signal, &action, nullptr);
  close(wake_fd.exchange(-1));
  // A signal that came after the last look acts as though it came now.
  if (const int missed = signal_that_ends(); missed != 0 && missed != told_) raise(missed);
}

int signal_that_ends() { return first_signal; }

int SignalCatcher::fd() const { return pipe_ >= 0 ? pipe_ : wake_fd.load(); }

bool SignalCatcher::is_repeatable(int signal) { return (repeatable_signals & bit_of(signal)) != 0; }

int SignalCatcher::ending() const {
  unsigned char byte = 0;
  if (pipe_ >= 0 && first_signal == 0 && read(pipe_, &byte, 1) == 1) note(byte);
  if (first_signal != 0) told_ = first_signal;
  return first_signal;
}

int SignalCatcher::caught() const {
  if (const int first = ending()) return first;
  return waiting_signals == 0 ? 0 : std::countr_zero(waiting_signals.load()) + 1;
}

void SignalCatcher::forget(int signal) {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = read(wake_fd, &count, sizeof count);
  waiting_signals &= ~bit_of(signal);
  first_signal.compare_exchange_strong(signal, 0);
}

void die_by_signal(int signal) {
  undo_before_death();
  struct sigaction by_default {};
  by_default.sa_handler = SIG_DFL;
  sigaction(signal, &by_default, nullptr);
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, signal);
  sigprocmask(SIG_UNBLOCK, &only, nullptr);
  raise(signal);
  _exit(128 + signal);
}

void survive_signal(int signal) {
  struct sigaction nothing {};
  nothing.sa_handler = [](int) {};  // not SIG_IGN, which programs that we run would inherit
  nothing.sa_flags = SA_RESTART;
  replace_action(signal, nothing);
}

void reset_inherited_signals() {
  signal(SIGCHLD, SIG_DFL);
  sigset_t answered;
  sigemptyset(&answered);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGCHLD, SIGPIPE, SIGXFSZ})
    sigaddset(&answered, number);
  sigprocmask(SIG_UNBLOCK, &answered, nullptr);
}

void ignore_signals_that_calls_report() {
  for (const int number : {SIGPIPE, SIGXFSZ}) signal(number, SIG_IGN);
}

void restore_signals_that_calls_report() {
  for (const int number : {SIGPIPE, SIGXFSZ}) signal(number, SIG_DFL);
}

}  // namespace sockx

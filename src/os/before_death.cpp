#include "os/before_death.hpp"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>

#include "os/signals.hpp"

namespace sockx {

namespace {

struct Registered {
  std::atomic<BeforeDeath::Undo> undo{nullptr};
  std::atomic<const void*> what{nullptr};
};
std::array<Registered, 16> registered;  // a handler can reach nothing but globals
std::atomic<pid_t> registrar{0};

/// Those that have their default effect now; what catches one of them already has its reason.
void catch_deadly_signals() {
  struct sigaction ours {};
  ours.sa_handler = [](int signal) { die_by_signal(signal); };
  for (const int signal : {SIGQUIT, SIGALRM, SIGUSR1, SIGUSR2, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL,
                           SIGSYS, SIGXCPU, SIGVTALRM, SIGPROF}) {
    struct sigaction now {};
    sigaction(signal, nullptr, &now);
    if (now.sa_handler == SIG_DFL) sigaction(signal, &ours, nullptr);
  }
}

}  // namespace

BeforeDeath::BeforeDeath(Undo undo, const void* what) : place_(0) {
  if (registrar != getpid()) {
    for (auto& place : registered) place.undo = nullptr;  // of the process that has forked this one
    registrar = getpid();
    catch_deadly_signals();
  }
  while (place_ < registered.size() && registered[place_].undo != nullptr) ++place_;
  if (place_ == registered.size()) return;
  registered[place_].what = what;
  registered[place_].undo = undo;
}

BeforeDeath::~BeforeDeath() {
  if (place_ < registered.size()) registered[place_].undo = nullptr;
}

void undo_before_death() {
  if (registrar != getpid()) return;
  for (auto& place : registered)
    if (auto* const undo = place.undo.exchange(nullptr)) undo(place.what);
}

}  // namespace sockx

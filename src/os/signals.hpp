// Signals: caught as readiness of a descriptor, and passed on as a real death.
#pragma once

#include <signal.h>

#include <initializer_list>
#include <vector>

#include "base/non_copyable.hpp"

namespace sockx {

/// While one lives, its signals, and the repeatable ones, make fd() readable instead of killing the process;
/// a signal that was ignored at the start (nohup(1)) stays ignored. Handlers are set without SA_RESTART and
/// nothing is blocked in the mask, so that exec'd children are untouched. A second signal has its default
/// effect at once. One at a time.
class SignalCatcher : NonCopyable {
 public:
  struct Rules {
    std::vector<int> repeatable = {};  // signals that ask for no end, and may come again at once
    int pipe = -1;  // where signals come as bytes; the signals themselves then change nothing
  };
  explicit SignalCatcher(std::initializer_list<int> signals) : SignalCatcher(signals, Rules()) {}
  SignalCatcher(std::initializer_list<int> signals, Rules rules);
  ~SignalCatcher();

  int fd() const;
  /// The first signal that ends the run, or 0.
  int ending() const;
  /// That, or else a repeatable signal that has come and has not been forgotten.
  int caught() const;
  static bool is_repeatable(int signal);
  /// The signal, which was caught, has been dealt with.
  void forget(int signal);

 private:
  struct Replaced {
    int signal;
    struct sigaction action;
  };
  std::vector<Replaced> replaced_;
  int pipe_;
  mutable int told_ = 0;  // the last signal that ending() has returned
};

/// The first signal, repeatable ones left out, that the living SignalCatcher has heard, or 0: for a wait that
/// the loop knows nothing of.
int signal_that_ends();

/// Ends the process by `signal` itself, as though it had never been caught: a shell that waits sees 128+n and
/// stops its loop, systemd sees a clean end. See signal(7).
[[noreturn]] void die_by_signal(int signal);

/// The signal, unless it is ignored, no longer kills: nothing happens where no SignalCatcher waits for it,
/// and no call is interrupted then. Programs that we run have its default effect.
void survive_signal(int signal);

/// Undoes what the parent may have left and what makes a program deaf: SIGCHLD gets its default effect back,
/// because while it is ignored nobody learns how a child has ended, and the signals that are answered are no
/// longer blocked. Call it first in main(). Signals that are ignored stay ignored (nohup(1)).
void reset_inherited_signals();

/// SIGPIPE and SIGXFSZ no longer kill: the call that meets a broken pipe or a file size limit reports EPIPE
/// or EFBIG.
void ignore_signals_that_calls_report();
/// Gives both their default effect back; for a child.
void restore_signals_that_calls_report();

}  // namespace sockx

#include "os/signals.hpp"

#include <doctest/doctest.h>
#include <poll.h>

#include <cerrno>

#include "../support/descriptors.hpp"
#include "../support/in_child.hpp"

using namespace sockx;
using namespace test;

namespace {

bool is_readable(int fd) {
  pollfd entry{fd, POLLIN, 0};
  return poll(&entry, 1, 0) == 1;
}

/// The action set for a signal.
void (*handler_of(int signal))(int) {
  struct sigaction action {};
  sigaction(signal, nullptr, &action);
  return action.sa_handler;
}

}  // namespace

TEST_CASE("signal catcher: a signal makes its descriptor readable and is remembered") {
  const auto end = in_child([] {
    const SignalCatcher catcher({SIGINT, SIGTERM});
    if (catcher.caught() != 0 || is_readable(catcher.fd())) return 1;
    raise(SIGTERM);
    return catcher.caught() == SIGTERM && is_readable(catcher.fd()) ? 0 : 2;
  });
  CHECK(end.exited_with(0));
}

TEST_CASE("signal catcher: a signal that nobody has looked for acts when the catcher goes") {
  const auto missed = in_child([] {
    {
      const SignalCatcher catcher({SIGTERM});
      raise(SIGTERM);
    }
    return 0;
  });
  CHECK(missed.died_by(SIGTERM));
  const auto after_another = in_child([] {
    {
      SignalCatcher catcher({SIGTERM}, {.repeatable = {SIGUSR1}});
      raise(SIGUSR1);
      catcher.forget(catcher.caught());
      raise(SIGTERM);
    }
    return 0;
  });
  CHECK(after_another.died_by(SIGTERM));
  const auto told = in_child([] {
    {
      const SignalCatcher catcher({SIGTERM});
      raise(SIGTERM);
      if (catcher.caught() != SIGTERM) return 1;
    }
    return 0;
  });
  CHECK(told.exited_with(0));
}

TEST_CASE("signal catcher: the second signal has its own effect at once") {
  const auto end = in_child([] {
    const SignalCatcher catcher({SIGINT, SIGTERM});
    raise(SIGINT);
    raise(SIGTERM);
    return 0;
  });
  CHECK(end.died_by(SIGTERM));
}

TEST_CASE("signal catcher: what was ignored stays ignored") {
  const auto end = in_child([] {
    signal(SIGHUP, SIG_IGN);
    const SignalCatcher catcher({SIGHUP});
    raise(SIGHUP);
    return catcher.caught() == 0 && handler_of(SIGHUP) == SIG_IGN ? 0 : 1;
  });
  CHECK(end.exited_with(0));
}

TEST_CASE("signal catcher: a waiting call is interrupted and nothing is blocked for children") {
  const auto end = in_child([] {
    const SignalCatcher catcher({SIGALRM});
    sigset_t blocked;
    sigprocmask(SIG_BLOCK, nullptr, &blocked);
    if (sigismember(&blocked, SIGALRM) != 0) return 1;
    ualarm(1000, 0);
    return pause() == -1 && errno == EINTR && catcher.caught() == SIGALRM ? 0 : 2;
  });
  CHECK(end.exited_with(0));
}

TEST_CASE("signal catcher: dropped it restores what was there and closes its descriptor") {
  const auto end = in_child([] {
    signal(SIGINT, [](int) {});
    const auto ours = handler_of(SIGINT);
    const auto before = open_descriptors();
    {
      const SignalCatcher catcher({SIGINT});
      if (handler_of(SIGINT) == ours) return 1;
    }
    if (handler_of(SIGINT) != ours || open_descriptors() != before) return 2;
    const SignalCatcher again({SIGINT});
    return again.caught() == 0 ? 0 : 3;
  });
  CHECK(end.exited_with(0));
}

TEST_CASE("die_by_signal: it is a real death whatever was set for the signal") {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) {
    CAPTURE(number);
    const auto end = in_child([number]() -> int {
      signal(number, SIG_IGN);
      sigset_t all;
      sigfillset(&all);
      sigprocmask(SIG_BLOCK, &all, nullptr);
      die_by_signal(number);
    });
    CHECK(end.died_by(number));
  }
}

TEST_CASE("ignore_signals_that_calls_report: a write into a pipe without a reader fails with EPIPE") {
  const auto end = in_child([] {
    signal(SIGPIPE, SIG_DFL);
    ignore_signals_that_calls_report();
    auto pipe = make_pipe_ends();
    pipe.read.reset();
    return write(pipe.write.get(), "x", 1) == -1 && errno == EPIPE ? 0 : 1;
  });
  CHECK(end.exited_with(0));
}

TEST_CASE("signals: those that may be repeated wait while one that ends the run is dealt with") {
  const auto end = test::in_child([] {
    SignalCatcher catcher({SIGHUP, SIGTERM}, {.repeatable = {SIGHUP}});
    raise(SIGHUP);
    raise(SIGHUP);
    if (catcher.caught() != SIGHUP) return 1;
    raise(SIGTERM);
    if (catcher.caught() != SIGTERM) return 2;
    catcher.forget(SIGHUP);  // the other has come meanwhile
    if (catcher.caught() != SIGTERM) return 3;
    raise(SIGHUP);
    catcher.forget(SIGTERM);
    return catcher.caught() == SIGHUP ? 0 : 4;
  });
  CHECK(end.exited_with(0));
}

TEST_CASE("signals: several may be repeated, and none is lost to another") {
  const auto end = test::in_child([] {
    SignalCatcher catcher({SIGTERM}, {.repeatable = {SIGHUP, SIGUSR1}});
    raise(SIGUSR1);
    raise(SIGHUP);
    if (catcher.caught() != SIGHUP) return 1;
    catcher.forget(SIGHUP);
    if (catcher.caught() != SIGUSR1) return 2;
    catcher.forget(SIGUSR1);
    return catcher.caught();
  });
  CHECK(end.exited_with(0));
}

TEST_CASE("signals: where they come by a pipe, those that the process gets change nothing") {
  const auto end = test::in_child([] {
    auto pipe = test::make_pipe_ends();
    SignalCatcher catcher({SIGINT, SIGTERM}, {.pipe = pipe.read.get()});
    raise(SIGTERM);
    raise(SIGTERM);
    if (catcher.fd() != pipe.read.get() || catcher.caught() != 0) return 1;
    test::put(pipe.write.get(), "\x0f\x02");
    if (catcher.caught() != SIGTERM) return 2;
    catcher.forget(SIGTERM);
    return catcher.caught() == SIGINT ? 0 : 3;
  });
  CHECK(end.exited_with(0));
}

TEST_CASE(
    "signals: one to survive does nothing, interrupts nothing, and is caught while somebody catches it") {
  const auto end = test::in_child([] {
    survive_signal(SIGUSR1);
    raise(SIGUSR1);
    {
      SignalCatcher catcher({SIGTERM}, {.repeatable = {SIGUSR1}});
      raise(SIGUSR1);
      if (catcher.caught() != SIGUSR1) return 1;
      catcher.forget(SIGUSR1);
      if (catcher.caught() != 0) return 2;
    }
    raise(SIGUSR1);
    struct sigaction action {};
    sigaction(SIGUSR1, nullptr, &action);
    return (action.sa_flags & SA_RESTART) != 0 ? 0 : 3;
  });
  CHECK(end.exited_with(0));
}

TEST_CASE("signals: one to survive that was ignored stays ignored") {
  const auto end = in_child([] {
    signal(SIGUSR1, SIG_IGN);
    survive_signal(SIGUSR1);
    const SignalCatcher catcher({SIGTERM}, {.repeatable = {SIGUSR1}});
    return handler_of(SIGUSR1) == SIG_IGN ? 0 : 1;
  });
  CHECK(end.exited_with(0));
}

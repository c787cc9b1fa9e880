// Runs a program and writes what it took to descriptor 3, in one line: when it began and when it ended
// (CLOCK_MONOTONIC, in ns), its user and system time (in us), its peak resident memory (in KiB), its wait
// status.
//
//   measured PROGRAM ARG...    3>FILE
//
// When its parent dies, it kills its process group, so that nothing is left behind.
//
// The benchmark cannot ask wait4(2) itself: the peak that it tells includes the parent's memory before exec,
// and an interpreter's would cover that of every program measured.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { results = 3 };
extern char** environ;

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static long long microseconds(struct timeval time) { return time.tv_sec * 1000000LL + time.tv_usec; }

static void kill_group(int signal) {
  (void)signal;
  kill(0, SIGKILL);
}

int main(int argc, char** argv) {
  if (argc < 2 || fcntl(results, F_SETFD, FD_CLOEXEC) != 0) {
    fputs("usage: measured PROGRAM ARG... 3>FILE\n", stderr);
    return 2;
  }
  signal(SIGTERM, kill_group);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  pid_t child;
  const long long begun = now();
  const int error = posix_spawnp(&child, argv[1], NULL, NULL, argv + 1, environ);
  if (error != 0) {
    fprintf(stderr, "measured: %s: %s\n", argv[1], strerror(error));
    return 127;
  }
  int status;
  struct rusage used;
  if (wait4(child, &status, 0, &used) != child) {
    perror("measured: wait4");
    return 1;
  }
  const long long ended = now();
  dprintf(results, "%lld %lld %lld %lld %ld %d\n", begun, ended, microseconds(used.ru_utime),
          microseconds(used.ru_stime), used.ru_maxrss, status);
  return 0;
}

// The fewest calls that move bytes from one process to another: what the kernel can do.
//
//   bare_transfer send METHOD ENDPOINT [CONGESTION]              standard input to a connection
//   bare_transfer receive METHOD ENDPOINT [CONGESTION]           one connection to standard output
//   bare_transfer forward METHOD ENDPOINT TARGET [CONGESTION]    one connection joined to TARGET, both ways
//
// METHOD:
//   splice      splice(2), through a pipe of 1 MiB where neither side is a pipe
//   copy        read(2) and write(2), 256 KiB at a time
//   sendfile    sendfile(2): only for `send`
//   truncate    recv(2) with MSG_TRUNC, which drops the bytes: only for `receive`
//
// ENDPOINT and TARGET are an IPv4 address and a port, as 127.0.0.1:9000, or unix:PATH. CONGESTION is the
// congestion control algorithm of TCP connections. All calls block.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { pipe_size = 1 << 20, bytes_per_call = 1 << 20, buffer_size = 256 * 1024 };

typedef void Method(int from, int to);

union address {
  struct sockaddr any;
  struct sockaddr_in ip;
  struct sockaddr_un path;
};

// The result of a call; ends the program when the call has failed.
static long checked(long result, const char* call) {
  if (result >= 0) return result;
  perror(call);
  exit(1);
}

static void usage(void) {
  fputs(
      "usage: bare_transfer send|receive METHOD ENDPOINT [CONGESTION] | forward METHOD ENDPOINT TARGET "
      "[CONGESTION]\n",
      stderr);
  exit(2);
}

static union address address_of(const char* endpoint) {
  union address address;
  memset(&address, 0, sizeof address);
  if (strncmp(endpoint, "unix:", 5) == 0) {
    address.path.sun_family = AF_UNIX;
    strncpy(address.path.sun_path, endpoint + 5, sizeof address.path.sun_path - 1);
    return address;
  }
  char host[INET_ADDRSTRLEN];
  const char* const colon = strchr(endpoint, ':');
  if (colon == NULL || (size_t)(colon - endpoint) >= sizeof host) usage();
  memcpy(host, endpoint, (size_t)(colon - endpoint));
  host[colon - endpoint] = '\0';
  address.ip.sin_family = AF_INET;
  address.ip.sin_port = htons((in_port_t)atoi(colon + 1));
  if (inet_pton(AF_INET, host, &address.ip.sin_addr) != 1) usage();
  return address;
}

// A stream socket for that address with that congestion control, which may be NULL for the system's.
static int stream_socket(const union address* address, const char* congestion) {
  const int fd = (int)checked(socket(address->any.sa_family, SOCK_STREAM, 0), "socket");
  if (congestion != NULL && address->any.sa_family == AF_INET)
    checked(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, congestion, (socklen_t)strlen(congestion)),
            congestion);
  return fd;
}

static socklen_t size_of(const union address* address) {
  return address->any.sa_family == AF_INET ? sizeof address->ip : sizeof address->path;
}

static int accept_one(const char* endpoint, const char* congestion) {
  const union address address = address_of(endpoint);
  const int listener = stream_socket(&address, congestion);
  const int on = 1;
  checked(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "SO_REUSEADDR");
  checked(bind(listener, &address.any, size_of(&address)), "bind");
  checked(listen(listener, 1), "listen");
  const int fd = (int)checked(accept(listener, NULL, NULL), "accept");
  close(listener);
  return fd;
}

static int connect_to(const char* endpoint, const char* congestion) {
  const union address address = address_of(endpoint);
  const int fd = stream_socket(&address, congestion);
  checked(connect(fd, &address.any, size_of(&address)), "connect");
  return fd;
}

// Whether it is a pipe, which then has 1 MiB.
static int is_pipe(int fd) {
  struct stat status;
  checked(fstat(fd, &status), "fstat");
  if (!S_ISFIFO(status.st_mode)) return 0;
  checked(fcntl(fd, F_SETPIPE_SZ, pipe_size), "F_SETPIPE_SZ");
  return 1;
}

static long splice_some(int from, int to, long most) {
  return checked(splice(from, NULL, to, NULL, (size_t)most, SPLICE_F_MOVE), "splice");
}

static void by_splice(int from, int to) {
  // Both are called: each pipe is to be large.
  if (is_pipe(from) + is_pipe(to) > 0) {
    while (splice_some(from, to, pipe_size) > 0) continue;
    return;
  }
  int ends[2];
  checked(pipe(ends), "pipe");
  is_pipe(ends[0]);
  for (long held = 0; (held = splice_some(from, ends[1], pipe_size)) > 0;)
    while (held > 0) held -= splice_some(ends[0], to, held);
}

static void by_copy(int from, int to) {
  static char buffer[buffer_size];
  for (long held = 0; (held = checked(read(from, buffer, sizeof buffer), "read")) > 0;)
    for (long put = 0; put < held;) put += checked(write(to, buffer + put, (size_t)(held - put)), "write");
}

static void by_sendfile(int from, int to) {
  while (checked(sendfile(to, from, NULL, bytes_per_call), "sendfile") > 0) continue;
}

static void by_truncate(int from, int to) {
  (void)to;
  while (checked(recv(from, NULL, bytes_per_call, MSG_TRUNC), "recv") > 0) continue;
}

static Method* method_named(const char* name) {
  static const struct {
    const char* name;
    Method* method;
  } all[] = {{"splice", by_splice}, {"copy", by_copy}, {"sendfile", by_sendfile}, {"truncate", by_truncate}};
  for (size_t i = 0; i < sizeof all / sizeof *all; ++i)
    if (strcmp(name, all[i].name) == 0) return all[i].method;
  usage();
  return NULL;
}

static void move_and_end(Method* method, int from, int to) {
  method(from, to);
  checked(shutdown(to, SHUT_WR), "shutdown");
}

// Both directions in one process, which costs a message of a few bytes least.
static void copy_both_ways(const int* fds) {
  static char buffer[buffer_size];
  struct pollfd sides[2] = {{.fd = fds[0], .events = POLLIN}, {.fd = fds[1], .events = POLLIN}};
  for (int left = 2; left > 0;) {
    checked(poll(sides, 2, -1), "poll");
    for (int i = 0; i < 2; ++i) {
      if (sides[i].revents == 0) continue;
      const long held = checked(read(fds[i], buffer, sizeof buffer), "read");
      for (long put = 0; put < held;)
        put += checked(write(fds[1 - i], buffer + put, (size_t)(held - put)), "write");
      if (held > 0) continue;
      shutdown(fds[1 - i], SHUT_WR);
      sides[i].fd = -1;  // which poll passes over
      --left;
    }
  }
}

// A process for each direction, so that both can block.
static void forward(Method* method, int client, int target) {
  const pid_t child = (pid_t)checked(fork(), "fork");
  if (child == 0) {
    move_and_end(method, target, client);
    exit(0);
  }
  move_and_end(method, client, target);
  int status = 0;
  checked(waitpid(child, &status, 0), "waitpid");
  if (status != 0) exit(1);
}

int main(int argc, char** argv) {
  const int forwards = argc > 1 && strcmp(argv[1], "forward") == 0;
  if (argc < 4 + forwards || argc > 5 + forwards) usage();
  Method* const method = method_named(argv[2]);
  const char* const congestion = argv[4 + forwards];
  if (forwards) {
    const int client = accept_one(argv[3], congestion);
    const int fds[2] = {client, connect_to(argv[4], congestion)};
    if (method == by_copy)
      copy_both_ways(fds);
    else
      forward(method, fds[0], fds[1]);
  } else if (strcmp(argv[1], "receive") == 0) {
    method(accept_one(argv[3], congestion), STDOUT_FILENO);
  } else if (strcmp(argv[1], "send") == 0) {
    method(STDIN_FILENO, connect_to(argv[3], congestion));
  } else {
    usage();
  }
  return 0;
}

// The fewest calls that serve many connections on one thread: what epoll(7) can do.
//
//   bare_server HOST PORT [CONGESTION]    RFC 862: each client has its bytes back
//
// HOST is an IPv4 address. A client that does not take its bytes at once is dropped: ping-pong never asks
// for more than the socket's buffer holds. CONGESTION is the congestion control algorithm of the connections.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { events_at_once = 128 };

static char buffer[64 * 1024];

// The result of a call; ends the program when the call has failed.
static long checked(long result, const char* call) {
  if (result >= 0) return result;
  perror(call);
  exit(1);
}

static int listening_socket(const char* host, const char* port, const char* congestion) {
  struct sockaddr_in address;
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_port = htons((in_port_t)atoi(port));
  if (inet_pton(AF_INET, host, &address.sin_addr) != 1) exit(2);
  const int fd = (int)checked(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), "socket");
  if (congestion != NULL)
    checked(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, congestion, (socklen_t)strlen(congestion)),
            congestion);
  const int on = 1;
  checked(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "SO_REUSEADDR");
  checked(bind(fd, (const struct sockaddr*)&address, sizeof address), "bind");
  checked(listen(fd, SOMAXCONN), "listen");
  return fd;
}

static void watch(int epoll, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  checked(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

static void accept_all(int epoll, int listener) {
  for (int fd = 0; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) watch(epoll, fd);
}

static void echo(int fd) {
  const ssize_t got = recv(fd, buffer, sizeof buffer, 0);
  if (got <= 0 || send(fd, buffer, (size_t)got, MSG_NOSIGNAL) < got) close(fd);
}

int main(int argc, char** argv) {
  if (argc < 3 || argc > 4) {
    fputs("usage: bare_server HOST PORT [CONGESTION]\n", stderr);
    return 2;
  }
  struct rlimit limit;
  checked(getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
  limit.rlim_cur = limit.rlim_max;
  checked(setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
  const int listener = listening_socket(argv[1], argv[2], argv[3]);
  const int epoll = (int)checked(epoll_create1(0), "epoll_create1");
  watch(epoll, listener);
  struct epoll_event events[events_at_once];
  for (;;) {
    const long count = checked(epoll_wait(epoll, events, events_at_once, -1), "epoll_wait");
    for (long i = 0; i < count; ++i) {
      if (events[i].data.fd == listener)
        accept_all(epoll, listener);
      else
        echo(events[i].data.fd);
    }
  }
}

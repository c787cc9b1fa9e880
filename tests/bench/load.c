// Clients of an echo server, all at once on one thread; every byte that comes back is compared.
//
//   load exchange HOST PORT CONNECTIONS MESSAGES    every connection sends MESSAGES of 64 bytes, one by one,
//                                                   each when the one before has come back
//   load connect HOST PORT CONNECTIONS TOTAL        so many connections at once, TOTAL of them one after the
//                                                   other: connect, one message, close
//
// HOST is an IPv4 address. One line tells the messages that came back right and the seconds that they took;
// those of `exchange` count from when all are connected and each has had one message back. Anything else than
// the right bytes, a connection that fails, or 50 s without an event end the program with status 1.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { message_size = 64, words = message_size / 4, events_at_once = 256, patience = 50 * 1000 };

struct client {
  int fd;
  unsigned number, message;  // the one that is on its way
  size_t returned;           // bytes of it
};

static int epoll;
static struct sockaddr_in server;

// The result of a call; ends the program when the call has failed.
static long checked(long result, const char* call) {
  if (result >= 0) return result;
  perror(call);
  exit(1);
}

static void give_up(const struct client* client, const char* why) {
  fprintf(stderr, "load: connection %u, message %u: %s\n", client->number, client->message, why);
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

// No two messages of a run are alike.
static void compose(const struct client* client, unsigned message[words]) {
  for (unsigned i = 0; i < words; ++i) message[i] = client->number * 2654435761U + client->message * 40503U + i;
}

// What a full listening queue or a table of ports makes of connect(2) is a failure here.
static void open_client(struct client* client) {
  client->fd = (int)checked(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), "socket");
  checked(setsockopt(client->fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4), "TCP_CONGESTION");
  if (connect(client->fd, (const struct sockaddr*)&server, sizeof server) != 0 && errno != EINPROGRESS)
    checked(-1, "connect");
  struct epoll_event event = {.events = EPOLLOUT, .data.ptr = client};  // once it is connected
  checked(epoll_ctl(epoll, EPOLL_CTL_ADD, client->fd, &event), "epoll_ctl");
}

static void send_message(struct client* client) {
  unsigned message[words];
  compose(client, message);
  client->returned = 0;
  if (send(client->fd, message, message_size, MSG_NOSIGNAL) != message_size)
    give_up(client, strerror(errno));
}

// Whether the whole message has come back.
static int take(struct client* client) {
  char got[message_size + 1];  // one more than there may be
  unsigned expected[words];
  const ssize_t size = recv(client->fd, got, sizeof got - client->returned, 0);
  if (size < 0) give_up(client, strerror(errno));
  if (size == 0) give_up(client, "the server has ended the connection");
  compose(client, expected);
  if ((size_t)size + client->returned > message_size) give_up(client, "more came back than was sent");
  if (memcmp(got, (const char*)expected + client->returned, (size_t)size) != 0)
    give_up(client, "other bytes came back than were sent");
  client->returned += (size_t)size;
  return client->returned == message_size;
}

static void hear(struct client* client) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
  checked(epoll_ctl(epoll, EPOLL_CTL_MOD, client->fd, &event), "epoll_ctl");
}

// The client whose message has come back, or NULL when all that has happened has been dealt with for now.
static struct client* next_returned(void) {
  static struct epoll_event events[events_at_once];
  static long count, next;
  for (;;) {
    if (next == count) {
      count = checked(epoll_wait(epoll, events, events_at_once, patience), "epoll_wait");
      next = 0;
      if (count == 0) {
        fputs("load: nothing has happened for long\n", stderr);
        exit(1);
      }
    }
    struct epoll_event* const event = &events[next++];
    struct client* const client = event->data.ptr;
    if ((event->events & EPOLLOUT) != 0) {
      send_message(client);
      hear(client);
    } else if (take(client)) {
      return client;
    }
  }
}

static void exchange(unsigned connections, unsigned messages) {
  struct client* const clients = calloc(connections, sizeof *clients);
  for (unsigned i = 0; i < connections; ++i) {
    clients[i].number = i;
    open_client(&clients[i]);
  }
  for (unsigned i = 0; i < connections; ++i) ++next_returned()->message;
  const double begun = now();
  for (unsigned i = 0; i < connections; ++i) send_message(&clients[i]);
  const unsigned long all = (unsigned long)connections * messages;
  for (unsigned long i = 0; i < all; ++i) {
    struct client* const client = next_returned();
    if (client->message++ < messages) send_message(client);
  }
  printf("%lu %.6f\n", all, now() - begun);
  free(clients);
}

static void connect_again_and_again(unsigned connections, unsigned total) {
  struct client* const clients = calloc(connections, sizeof *clients);
  const double begun = now();
  unsigned opened = 0;
  for (; opened < connections && opened < total; ++opened) {
    clients[opened].number = opened;
    open_client(&clients[opened]);
  }
  for (unsigned i = 0; i < total; ++i) {
    struct client* const client = next_returned();
    close(client->fd);
    if (opened == total) continue;
    client->number = opened++;
    open_client(client);
  }
  printf("%u %.6f\n", total, now() - begun);
  free(clients);
}

int main(int argc, char** argv) {
  if (argc != 6 || atoi(argv[4]) <= 0 || atoi(argv[5]) <= 0) {
    fputs("usage: load exchange HOST PORT CONNECTIONS MESSAGES | connect HOST PORT CONNECTIONS TOTAL\n", stderr);
    return 2;
  }
  server.sin_family = AF_INET;
  server.sin_port = htons((in_port_t)atoi(argv[3]));
  if (inet_pton(AF_INET, argv[2], &server.sin_addr) != 1) return 2;
  struct rlimit limit;
  checked(getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
  limit.rlim_cur = limit.rlim_max;
  checked(setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
  epoll = (int)checked(epoll_create1(0), "epoll_create1");
  const unsigned connections = (unsigned)atoi(argv[4]), count = (unsigned)atoi(argv[5]);
  if (strcmp(argv[1], "exchange") == 0)
    exchange(connections, count);
  else if (strcmp(argv[1], "connect") == 0)
    connect_again_and_again(connections, count);
  else
    return 2;
  return 0;
}

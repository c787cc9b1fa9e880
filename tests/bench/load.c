// Clients of an echo server, all at once on one thread; every byte that comes back is compared.
//
//   load exchange HOST PORT CONNECTIONS MESSAGES [SIZE]    every connection sends MESSAGES, each when the one
//                                                          before has come back
//   load connect HOST PORT CONNECTIONS TOTAL [SIZE]        TOTAL connections, so many of them at a time:
//                                                          connect, one message, close
//
//   load idle HOST PORT CONNECTIONS 1 [SIZE]               one message on every connection, then nothing
//   until
//                                                          standard input ends
//
// HOST is an IPv4 address; a message has 64 bytes or SIZE. One line tells the messages that came back right,
// and the seconds that they took: those of `exchange` from when every connection has had one back, which is
// not counted. Other bytes than were sent, a connection that fails, and 50 s in which nothing happens end the
// program with status 1.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
  ring = 1 << 20,
  piece = 64 * 1024,
  apart = 4099,
  events_at_once = 256,
  patience = 50 * 1000,
  opened_at_once = 100
};

// What a connection sends is the ring from a place of its own on, round and round. A piece of it never wraps.
static char pattern[ring + piece];

struct client {
  int fd;
  unsigned number;
  size_t sent, returned, wanted;  // bytes of the connection
  uint32_t heeded;                // the events of epoll
};

static int epoll;
static struct sockaddr_in server;
static size_t message_size = 64;

// The result of a call; ends the program when the call has failed.
static long checked(long result, const char* call) {
  if (result >= 0) return result;
  perror(call);
  exit(1);
}

static void give_up(const struct client* client, const char* why) {
  fprintf(stderr, "load: connection %u, after %zu bytes: %s\n", client->number, client->returned, why);
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void make_pattern(void) {
  uint32_t state = 1;
  for (int i = 0; i < ring; ++i) {
    state = state * 1664525U + 1013904223U;
    pattern[i] = (char)(state >> 24);
  }
  memcpy(pattern + ring, pattern, piece);
}

static const char* expected(const struct client* client, size_t position) {
  return pattern + (client->number * (size_t)apart + position) % ring;
}

static void heed(struct client* client, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = client};
  client->heeded = events;
  checked(epoll_ctl(epoll, operation, client->fd, &event), "epoll_ctl");
}

static void open_client(struct client* client, unsigned number) {
  *client = (struct client){.number = number, .wanted = message_size};
  client->fd = (int)checked(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), "socket");
  checked(setsockopt(client->fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4), "TCP_CONGESTION");
  if (connect(client->fd, (const struct sockaddr*)&server, sizeof server) != 0 && errno != EINPROGRESS)
    checked(-1, "connect");
  heed(client, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
}

// As much of what is wanted as finds room.
static void send_on(struct client* client) {
  while (client->sent < client->wanted) {
    const size_t left = client->wanted - client->sent;
    const ssize_t put =
        send(client->fd, expected(client, client->sent), left < piece ? left : piece, MSG_NOSIGNAL);
    if (put < 0 && errno != EAGAIN) give_up(client, strerror(errno));
    if (put < 0) break;
    client->sent += (size_t)put;
  }
  const uint32_t events = client->sent < client->wanted ? EPOLLIN | EPOLLOUT : EPOLLIN;
  if (events != client->heeded) heed(client, EPOLL_CTL_MOD, events);
}

// Whether all that was wanted has come back.
static int take(struct client* client) {
  static char buffer[piece];
  const ssize_t got = recv(client->fd, buffer, sizeof buffer, 0);
  if (got < 0) give_up(client, strerror(errno));
  if (got == 0) give_up(client, "the server has ended the connection");
  if (client->returned + (size_t)got > client->sent) give_up(client, "more came back than was sent");
  if (memcmp(buffer, expected(client, client->returned), (size_t)got) != 0)
    give_up(client, "other bytes came back than were sent");
  client->returned += (size_t)got;
  return client->returned == client->wanted;
}

// Goes on with everything until a client's message has come back.
static struct client* next_returned(void) {
  static struct epoll_event events[events_at_once];
  static long count, next;
  for (;;) {
    if (next == count) {
      count = checked(epoll_wait(epoll, events, events_at_once, patience), "epoll_wait");
      next = 0;
    }
    if (count == 0) {
      fputs("load: nothing has happened for long\n", stderr);
      exit(1);
    }
    const struct epoll_event event = events[next++];
    struct client* const client = event.data.ptr;
    if ((event.events & EPOLLOUT) != 0) send_on(client);
    if ((event.events & ~(uint32_t)EPOLLOUT) != 0 && take(client)) return client;
  }
}

// Opens them all, a few at a time, because the queue of a listener may be short, and gets one message back on
// each.
static void open_all(struct client* clients, unsigned connections) {
  unsigned opened = 0;
  for (; opened < connections && opened < opened_at_once; ++opened) open_client(&clients[opened], opened);
  for (unsigned i = 0; i < connections; ++i) {
    next_returned();
    if (opened == connections) continue;
    open_client(&clients[opened], opened);
    ++opened;
  }
}

static void send_message(struct client* client) {
  client->wanted += message_size;
  send_on(client);
}

static void exchange(struct client* clients, unsigned connections, unsigned messages) {
  open_all(clients, connections);
  const unsigned long all = (unsigned long)connections * messages;
  const double begun = now();
  for (unsigned i = 0; i < connections; ++i) send_message(&clients[i]);
  for (unsigned long i = 0; i < all; ++i) {
    struct client* const client = next_returned();
    if (client->wanted < message_size * (messages + 1)) send_message(client);
  }
  printf("%lu %.6f\n", all, now() - begun);
}

static void connect_again_and_again(struct client* clients, unsigned connections, unsigned total) {
  const double begun = now();
  unsigned opened = 0;
  for (; opened < connections && opened < total; ++opened) open_client(&clients[opened], opened);
  for (unsigned i = 0; i < total; ++i) {
    struct client* const client = next_returned();
    close(client->fd);
    if (opened < total) open_client(client, opened++);
  }
  printf("%u %.6f\n", total, now() - begun);
}

static void be_idle(struct client* clients, unsigned connections) {
  const double begun = now();
  open_all(clients, connections);
  printf("%u %.6f\n", connections, now() - begun);
  fflush(stdout);
  char byte = 0;
  while (read(STDIN_FILENO, &byte, 1) > 0) continue;
}

int main(int argc, char** argv) {
  const int is_exchange = argc > 1 && strcmp(argv[1], "exchange") == 0;
  const int is_connect = argc > 1 && strcmp(argv[1], "connect") == 0;
  const int is_idle = argc > 1 && strcmp(argv[1], "idle") == 0;
  if (argc > 6) message_size = strtoul(argv[6], NULL, 10);
  server.sin_family = AF_INET;
  if (argc < 6 || argc > 7 || (!is_exchange && !is_connect && !is_idle) || atoi(argv[4]) <= 0 ||
      atoi(argv[5]) <= 0 || message_size == 0 || inet_pton(AF_INET, argv[2], &server.sin_addr) != 1) {
    fputs(
        "usage: load exchange HOST PORT CONNECTIONS MESSAGES [SIZE] | connect HOST PORT CONNECTIONS TOTAL "
        "[SIZE] | idle HOST PORT CONNECTIONS 1 [SIZE]\n",
        stderr);
    return 2;
  }
  server.sin_port = htons((in_port_t)atoi(argv[3]));
  struct rlimit limit;
  checked(getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
  limit.rlim_cur = limit.rlim_max;
  checked(setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
  epoll = (int)checked(epoll_create1(0), "epoll_create1");
  make_pattern();
  const unsigned connections = (unsigned)atoi(argv[4]), count = (unsigned)atoi(argv[5]);
  struct client* const clients = calloc(connections, sizeof *clients);
  if (is_exchange)
    exchange(clients, connections, count);
  else if (is_idle)
    be_idle(clients, connections);
  else
    connect_again_and_again(clients, connections, count);
  free(clients);
  return 0;
}

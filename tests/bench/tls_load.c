// Clients of an echo server over TLS, each in a thread of its own; every byte that comes back is compared.
//
//   tls_load exchange HOST PORT CONNECTIONS MESSAGES    every connection sends MESSAGES, each when the one
//                                                       before has come back
//   tls_load connect HOST PORT CONNECTIONS TOTAL        TOTAL connections, so many of them at a time:
//   connect,
//                                                       handshake, one message, close_notify, close
//   tls_load idle HOST PORT CONNECTIONS 1               one message on every connection, then nothing until
//                                                       standard input ends
//
// HOST is an IPv4 address; a message has 64 bytes. No certificate is verified, and no session is resumed. One
// line tells the messages that came back right, and the seconds that they took: those of `exchange` and
// `idle` without the handshakes, of which `idle` makes one after another.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { message_size = 64, patience = 50 };  // bytes, seconds

static struct sockaddr_in server;
static SSL_CTX* context;
static unsigned messages;     // of each connection of `exchange`
static unsigned next, total;  // connections of `connect`
static pthread_barrier_t all_are_ready;
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static void give_up(const char* what) {
  fprintf(stderr, "tls_load: %s\n", what);
  _exit(1);  // not through what OpenSSL does at exit, while other threads use it
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static SSL* open_client(void) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
  const struct timeval limit = {.tv_sec = patience};
  if (fd < 0) give_up("no socket");
  setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (connect(fd, (const struct sockaddr*)&server, sizeof server) != 0) give_up("connect failed");
  SSL* const ssl = SSL_new(context);
  SSL_set_fd(ssl, fd);
  if (SSL_connect(ssl) != 1) give_up("the handshake failed");
  return ssl;
}

static void close_client(SSL* ssl) {
  SSL_shutdown(ssl);
  close(SSL_get_fd(ssl));
  SSL_free(ssl);
}

static void say(SSL* ssl, unsigned number) {
  char sent[message_size], returned[message_size];
  for (int i = 0; i < message_size; ++i) sent[i] = (char)(number * 31U + (unsigned)i);
  if (SSL_write(ssl, sent, message_size) != message_size) give_up("a message could not be sent");
  for (int size = 0; size < message_size;) {
    const int got = SSL_read(ssl, returned + size, message_size - size);
    if (got <= 0) give_up("a message did not come back");
    size += got;
  }
  if (memcmp(sent, returned, message_size) != 0) give_up("other bytes came back than were sent");
}

static void* exchange(void* nothing) {
  SSL* const ssl = open_client();
  say(ssl, 0);
  pthread_barrier_wait(&all_are_ready);  // main() then looks at the clock
  for (unsigned i = 0; i < messages; ++i) say(ssl, i);
  pthread_barrier_wait(&all_are_ready);
  close_client(ssl);
  return nothing;
}

static void* connect_again_and_again(void* nothing) {
  pthread_barrier_wait(&all_are_ready);
  for (;;) {
    pthread_mutex_lock(&turn);
    const unsigned number = next++;
    pthread_mutex_unlock(&turn);
    if (number >= total) break;
    SSL* const ssl = open_client();
    say(ssl, number);
    close_client(ssl);
  }
  pthread_barrier_wait(&all_are_ready);
  return nothing;
}

// How long the threads took from when all were ready.
static double run(unsigned threads, void* (*what)(void*)) {
  pthread_barrier_init(&all_are_ready, NULL, threads + 1);
  for (unsigned i = 0; i < threads; ++i) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, what, NULL) != 0) give_up("no thread");
    pthread_detach(thread);
  }
  pthread_barrier_wait(&all_are_ready);
  const double begun = now();
  pthread_barrier_wait(&all_are_ready);
  return now() - begun;
}

static void be_idle(unsigned connections) {
  double took = 0;
  for (unsigned i = 0; i < connections; ++i) {
    SSL* const ssl = open_client();
    const double begun = now();
    say(ssl, i);
    took += now() - begun;
  }
  printf("%u %.6f\n", connections, took);
  fflush(stdout);
  char byte = 0;
  while (read(STDIN_FILENO, &byte, 1) > 0) continue;
}

int main(int argc, char** argv) {
  const char* const what = argc == 6 ? argv[1] : "";
  const unsigned connections = argc == 6 ? (unsigned)atoi(argv[4]) : 0;
  const unsigned count = argc == 6 ? (unsigned)atoi(argv[5]) : 0;
  const int is_exchange = strcmp(what, "exchange") == 0, is_idle = strcmp(what, "idle") == 0;
  server.sin_family = AF_INET;
  if ((!is_exchange && !is_idle && strcmp(what, "connect") != 0) || connections == 0 || count == 0 ||
      inet_pton(AF_INET, argv[2], &server.sin_addr) != 1) {
    fputs("usage: tls_load exchange|connect|idle HOST PORT CONNECTIONS COUNT\n", stderr);
    return 2;
  }
  server.sin_port = htons((in_port_t)atoi(argv[3]));
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  messages = total = count;
  if (is_idle) return be_idle(connections), 0;
  const double seconds = run(connections, is_exchange ? exchange : connect_again_and_again);
  printf("%lu %.6f\n", is_exchange ? (unsigned long)connections * messages : total, seconds);
  fflush(stdout);
  _exit(0);  // as in give_up(): some threads still close their connections
}

// The fewest calls that send and count datagrams: what the kernel can do with UDP.
//
//   bare_datagrams receive HOST PORT SIZE               counts datagrams of SIZE bytes until the sender ends
//   bare_datagrams send HOST PORT SIZE MILLISECONDS     sends them as fast as they go for that long
//
// HOST is an IPv4 address. Datagrams go and come in trains (UDP_SEGMENT and UDP_GRO), many trains a call.
// Each side prints one line: how many datagrams it sent or received, and in how many seconds, from the first
// to the last.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { trains = 32, datagrams_in_train = 64, bytes_in_train = 65507, queue_size = 8 << 20 };

static char memory[trains][65536];
static struct iovec pieces[trains];
static struct mmsghdr messages[trains];

// The result of a call; ends the program when the call has failed.
static long checked(long result, const char* call) {
  if (result >= 0) return result;
  perror(call);
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

// As many bytes as sockx asks for, or as the system permits.
static void enlarge(int fd, int forced, int option) {
  const int size = queue_size;
  if (setsockopt(fd, SOL_SOCKET, forced, &size, sizeof size) != 0)
    checked(setsockopt(fd, SOL_SOCKET, option, &size, sizeof size), "setsockopt");
}

static void make_messages(size_t bytes) {
  for (int i = 0; i < trains; ++i) {
    pieces[i] = (struct iovec){.iov_base = memory[i], .iov_len = bytes};
    messages[i].msg_hdr.msg_iov = &pieces[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
}

// Until the sender says by a datagram of one byte that there are no more.
static void receive(int fd, const struct sockaddr_in* address, size_t size) {
  const int on = 1;
  enlarge(fd, SO_RCVBUFFORCE, SO_RCVBUF);
  checked(setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on), "UDP_GRO");
  checked(bind(fd, (const struct sockaddr*)address, sizeof *address), "bind");
  make_messages(sizeof memory[0]);
  unsigned long received = 0;
  double begun = 0, ended = 0;
  for (int goes_on = 1; goes_on;) {
    const long count = checked(recvmmsg(fd, messages, trains, MSG_WAITFORONE, NULL), "recvmmsg");
    if (received == 0) begun = now();
    for (long i = 0; i < count; ++i) {
      received += messages[i].msg_len / size;
      if (messages[i].msg_len < size)
        goes_on = 0;
      else
        ended = now();
    }
  }
  printf("%lu %.6f\n", received, ended - begun);
}

static void send_for(int fd, const struct sockaddr_in* address, size_t size, double seconds) {
  const int segment = (int)size;
  enlarge(fd, SO_SNDBUFFORCE, SO_SNDBUF);
  checked(connect(fd, (const struct sockaddr*)address, sizeof *address), "connect");
  checked(setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment), "UDP_SEGMENT");
  const size_t most = bytes_in_train / size, in_train = most < datagrams_in_train ? most : datagrams_in_train;
  make_messages(in_train * size);
  unsigned long sent = 0;
  const double begun = now();
  while (now() < begun + seconds)
    sent += in_train * (size_t)checked(sendmmsg(fd, messages, trains, 0), "sendmmsg");
  printf("%lu %.6f\n", sent, now() - begun);
  while (send(fd, "", 1, 0) == 1) usleep(10 * 1000);  // refused once the receiver has ended
}

int main(int argc, char** argv) {
  const int is_receive = argc == 5 && strcmp(argv[1], "receive") == 0;
  const int is_send = argc == 6 && strcmp(argv[1], "send") == 0;
  struct sockaddr_in address = {.sin_family = AF_INET};
  const size_t size = argc > 4 ? strtoul(argv[4], NULL, 10) : 0;
  if ((!is_receive && !is_send) || size < 2 || size > bytes_in_train ||
      inet_pton(AF_INET, argv[2], &address.sin_addr) != 1) {
    fputs("usage: bare_datagrams receive HOST PORT SIZE | send HOST PORT SIZE MILLISECONDS\n", stderr);
    return 2;
  }
  address.sin_port = htons((in_port_t)atoi(argv[3]));
  const int fd = (int)checked(socket(AF_INET, SOCK_DGRAM, 0), "socket");
  if (is_receive)
    receive(fd, &address, size);
  else
    send_for(fd, &address, size, strtod(argv[5], NULL) / 1e3);
  return 0;
}

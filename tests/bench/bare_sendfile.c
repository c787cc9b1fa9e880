// The fewest calls that send a file over TCP and drop it at the other end: what the kernel can do.
//
//   bare_sendfile recv HOST PORT [CONGESTION]         accept(2) one connection, recv(2) with MSG_TRUNC
//   bare_sendfile send HOST PORT FILE [CONGESTION]    sendfile(2)
//
// HOST is an IPv4 address. CONGESTION is the congestion control algorithm of the connection.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

enum { bytes_per_call = 1 << 20 };

// The result of a call; ends the program when the call has failed.
static long checked(long result, const char* call) {
  if (result >= 0) return result;
  perror(call);
  exit(1);
}

static struct sockaddr_in address_of(const char* host, const char* port) {
  struct sockaddr_in address;
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_port = htons((in_port_t)atoi(port));
  errno = EINVAL;
  checked(inet_pton(AF_INET, host, &address.sin_addr) - 1, host);
  return address;
}

// A TCP socket with that congestion control, which may be NULL for the system's.
static int tcp_socket(const char* congestion) {
  const int fd = (int)checked(socket(AF_INET, SOCK_STREAM, 0), "socket");
  if (congestion != NULL)
    checked(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, congestion, (socklen_t)strlen(congestion)),
            congestion);
  return fd;
}

static void receive(struct sockaddr_in address, const char* congestion) {
  const int listener = tcp_socket(congestion);
  const int on = 1;
  checked(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "SO_REUSEADDR");
  checked(bind(listener, (const struct sockaddr*)&address, sizeof address), "bind");
  checked(listen(listener, 1), "listen");
  const int fd = (int)checked(accept(listener, NULL, NULL), "accept");
  while (checked(recv(fd, NULL, bytes_per_call, MSG_TRUNC), "recv") > 0) continue;
}

static void send_all(struct sockaddr_in address, const char* path, const char* congestion) {
  const int file = (int)checked(open(path, O_RDONLY), path);
  const int fd = tcp_socket(congestion);
  checked(connect(fd, (const struct sockaddr*)&address, sizeof address), "connect");
  while (checked(sendfile(fd, file, NULL, bytes_per_call), "sendfile") > 0) continue;
}

int main(int argc, char** argv) {
  if (argc >= 4 && argc <= 5 && strcmp(argv[1], "recv") == 0)
    receive(address_of(argv[2], argv[3]), argv[4]);
  else if (argc >= 5 && argc <= 6 && strcmp(argv[1], "send") == 0)
    send_all(address_of(argv[2], argv[3]), argv[4], argv[5]);
  else {
    fputs("usage: bare_sendfile recv HOST PORT [CONGESTION] | send HOST PORT FILE [CONGESTION]\n", stderr);
    return 2;
  }
  return 0;
}

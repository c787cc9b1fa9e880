// Sends standard input over TLS as fast as a plain loop can: records are collected, and 256 KiB are sent at a
// time. The certificate is not verified.
//
//   bare_tls HOST PORT < FILE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { most = 256 * 1024, room = 16 * 1024, chunk = 64 * 1024 };
static char collected[most + room];
static size_t held;
static int peer;

static void fail(const char* what) {
  perror(what);
  exit(1);
}

static void flush(void) {
  for (size_t sent = 0; sent < held;) {
    const ssize_t put = send(peer, collected + sent, held - sent, MSG_NOSIGNAL);
    if (put < 0) fail("send");
    sent += (size_t)put;
  }
  held = 0;
}

static int wire_write(BIO* bio, const char* bytes, int size) {
  (void)bio;
  if (held + (size_t)size > sizeof collected) flush();
  memcpy(collected + held, bytes, (size_t)size);
  held += (size_t)size;
  return size;
}

static int wire_read(BIO* bio, char* bytes, int size) {
  (void)bio;
  flush();
  return (int)recv(peer, bytes, (size_t)size, 0);
}

static long wire_control(BIO* bio, int command, long number, void* pointer) {
  (void)bio, (void)number, (void)pointer;
  return command == BIO_CTRL_FLUSH;
}

int main(int count, char** words) {
  if (count != 3) return fprintf(stderr, "usage: bare_tls HOST PORT < FILE\n"), 2;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((in_port_t)atoi(words[2]))};
  if (inet_pton(AF_INET, words[1], &address.sin_addr) != 1) fail("inet_pton");
  peer = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(peer, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
  if (connect(peer, (struct sockaddr*)&address, sizeof address) != 0) fail("connect");
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  SSL* const ssl = SSL_new(context);
  BIO_METHOD* const method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "collecting");
  BIO_meth_set_write(method, wire_write);
  BIO_meth_set_read(method, wire_read);
  BIO_meth_set_ctrl(method, wire_control);
  BIO* const wire = BIO_new(method);
  BIO_set_init(wire, 1);
  SSL_set_bio(ssl, wire, wire);
  if (SSL_connect(ssl) != 1) return fprintf(stderr, "no handshake\n"), 1;
  static char bytes[chunk];
  for (ssize_t got; (got = read(STDIN_FILENO, bytes, sizeof bytes)) > 0;) {
    if (SSL_write(ssl, bytes, (int)got) != got) return fprintf(stderr, "SSL_write failed\n"), 1;
    if (held >= most) flush();
  }
  SSL_shutdown(ssl);
  flush();
  shutdown(peer, SHUT_WR);
  while (recv(peer, bytes, sizeof bytes, 0) > 0) {
  }
  return 0;
}

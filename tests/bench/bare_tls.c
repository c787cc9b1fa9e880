// Moves bytes over TLS as fast as a plain loop can: records are collected, and 256 KiB are sent at a time. No
// certificate is verified.
//
//   bare_tls send HOST PORT < FILE
//   bare_tls receive HOST PORT CERTIFICATE KEY > FILE    one connection
//   bare_tls echo HOST PORT CERTIFICATE KEY              one connection after another, until it is killed
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { most = 256 * 1024, room = 16 * 1024, chunk = 64 * 1024, backlog = 1024 };
static char collected[most + room];
static size_t held;
static int peer;
static char bytes[chunk];

static void fail(const char* what) {
  perror(what);
  exit(1);
}

static void give_up(const char* what) {
  fprintf(stderr, "bare_tls: %s failed\n", what);
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

static int wire_write(BIO* bio, const char* from, int size) {
  (void)bio;
  if (held + (size_t)size > sizeof collected) flush();
  memcpy(collected + held, from, (size_t)size);
  held += (size_t)size;
  return size;
}

static int wire_read(BIO* bio, char* to, int size) {
  (void)bio;
  flush();
  return (int)recv(peer, to, (size_t)size, 0);
}

static long wire_control(BIO* bio, int command, long number, void* pointer) {
  (void)bio, (void)number, (void)pointer;
  return command == BIO_CTRL_FLUSH;
}

static SSL* new_connection(SSL_CTX* context) {
  static BIO_METHOD* method;
  if (method == NULL) {
    method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "collecting");
    BIO_meth_set_write(method, wire_write);
    BIO_meth_set_read(method, wire_read);
    BIO_meth_set_ctrl(method, wire_control);
  }
  const int yes = 1;
  setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  SSL* const ssl = SSL_new(context);
  BIO* const wire = BIO_new(method);
  BIO_set_init(wire, 1);
  SSL_set_bio(ssl, wire, wire);
  return ssl;
}

static void send_input(const struct sockaddr_in* address) {
  if (connect(peer, (const struct sockaddr*)address, sizeof *address) != 0) fail("connect");
  SSL* const ssl = new_connection(SSL_CTX_new(TLS_client_method()));
  if (SSL_connect(ssl) != 1) give_up("SSL_connect");
  for (ssize_t got; (got = read(STDIN_FILENO, bytes, sizeof bytes)) > 0;) {
    if (SSL_write(ssl, bytes, (int)got) != got) give_up("SSL_write");
    if (held >= most) flush();
  }
  SSL_shutdown(ssl);
  flush();
  shutdown(peer, SHUT_WR);
  while (recv(peer, bytes, sizeof bytes, 0) > 0) continue;
}

// The socket, and the context of its connections.
static SSL_CTX* listen_on(const struct sockaddr_in* address, const char* certificate, const char* key) {
  const int yes = 1;
  setsockopt(peer, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(peer, (const struct sockaddr*)address, sizeof *address) != 0) fail("bind");
  if (listen(peer, backlog) != 0) fail("listen");
  SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, chunk);
  if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
    give_up("reading the certificate");
  return context;
}

// Of one connection, until its end.
static void serve(SSL* ssl, int is_echo) {
  if (SSL_accept(ssl) != 1) return;
  for (int got; (got = SSL_read(ssl, bytes, sizeof bytes)) > 0;) {
    if (is_echo) {
      if (SSL_write(ssl, bytes, got) != got) give_up("SSL_write");
      flush();
    } else if (write(STDOUT_FILENO, bytes, (size_t)got) != got) {
      fail("write");
    }
  }
  SSL_shutdown(ssl);
  flush();
}

int main(int count, char** words) {
  const char* const what = count > 1 ? words[1] : "";
  const int is_send = strcmp(what, "send") == 0 && count == 4, is_echo = strcmp(what, "echo") == 0;
  if (!is_send && !((is_echo || strcmp(what, "receive") == 0) && count == 6)) {
    fputs("usage: bare_tls send HOST PORT | bare_tls receive|echo HOST PORT CERTIFICATE KEY\n", stderr);
    return 2;
  }
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((in_port_t)atoi(words[3]))};
  if (inet_pton(AF_INET, words[2], &address.sin_addr) != 1) fail("inet_pton");
  peer = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(peer, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
  if (is_send) return send_input(&address), 0;
  SSL_CTX* const context = listen_on(&address, words[4], words[5]);
  const int listener = peer;
  do {
    peer = accept(listener, NULL, NULL);
    if (peer < 0) fail("accept");
    SSL* const ssl = new_connection(context);
    serve(ssl, is_echo);
    SSL_free(ssl);
    held = 0;
    close(peer);
  } while (is_echo);
  return 0;
}

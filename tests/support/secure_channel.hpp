// SecureChannel: TLS for a Peer. OpenSSL works in memory, and the peer's own send(2) and recv(2) move the
// records, so that a test sees every reset and every end.
#pragma once

#include <doctest/doctest.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "net/tls/certificate.hpp"
#include "net/tls/openssl.hpp"
#include "os/library.hpp"
#include "peer.hpp"

namespace test {

using SslContext = std::shared_ptr<SSL_CTX>;

/// Of a server with that certificate, or of a client that takes any, which speaks no version after `version`.
inline SslContext ssl_context(const sockx::Identity* identity, long version) {
  const auto& ssl = sockx::OpenSsl::get();
  SslContext context(ssl.SSL_CTX_new(identity != nullptr ? ssl.TLS_server_method() : ssl.TLS_client_method()),
                     [](SSL_CTX* old) { sockx::OpenSsl::get().SSL_CTX_free(old); });
  REQUIRE(context);
  ssl.SSL_CTX_ctrl(context.get(), SSL_CTRL_SET_MAX_PROTO_VERSION, version, nullptr);
  // The server of TLS 1.3 would send tickets behind the handshake, when the client may have reset already.
  ssl.SSL_CTX_set_num_tickets(context.get(), 0);
  if (identity == nullptr) return context;
  REQUIRE(ssl.SSL_CTX_use_certificate(context.get(), identity->certificate.get()) == 1);
  REQUIRE(ssl.SSL_CTX_use_PrivateKey(context.get(), identity->key.get()) == 1);
  return context;
}

class SecureChannel : public Peer::Channel {
 public:
  /// Does the handshake.
  SecureChannel(int fd, const SslContext& context, bool is_server) : fd_(fd) {
    crypto_.find("BIO_read_ex", read_bio_);
    crypto_.find("BIO_write_ex", write_bio_);
    connection_.reset(ssl_.SSL_new(context.get()));
    incoming_ = ssl_.BIO_new(ssl_.BIO_s_mem());
    outgoing_ = ssl_.BIO_new(ssl_.BIO_s_mem());
    REQUIRE((connection_ && incoming_ != nullptr && outgoing_ != nullptr));
    ssl_.SSL_set_bio(connection_.get(), incoming_, outgoing_);  // which owns them now
    is_server ? ssl_.SSL_set_accept_state(connection_.get()) : ssl_.SSL_set_connect_state(connection_.get());
    // Or what follows the handshake would wait until that is acknowledged, and a reset would destroy it.
    const int yes = 1;
    Peer::check(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes), "TCP_NODELAY");
    while (!step([&] { return ssl_.SSL_do_handshake(connection_.get()); })) take();
  }

  void send(const std::string& bytes) override {
    std::size_t put = 0;
    if (!bytes.empty())
      step([&] { return ssl_.SSL_write_ex(connection_.get(), bytes.data(), bytes.size(), &put); });
  }
  std::size_t receive(char* bytes, std::size_t size) override {
    std::size_t got = 0;
    while (!has_heard_end_ && !step([&] { return ssl_.SSL_read_ex(connection_.get(), bytes, size, &got); }))
      if (!has_heard_end_) take();
    return got;
  }
  /// What is sent to whom has reset the connection is lost, and receiving tells.
  void end() override {
    if (std::exchange(has_ended_, true)) return;
    ssl_.ERR_clear_error();
    ssl_.SSL_shutdown(connection_.get());
    try {
      put();
    } catch (const std::system_error&) {
    }
  }

 private:
  /// Whether the call has done what it is for; it may need more of the other end's records before.
  template <class Call>
  bool step(Call call) {
    ssl_.ERR_clear_error();
    const int result = call();
    const int why = result == 1 ? SSL_ERROR_NONE : ssl_.SSL_get_error(connection_.get(), result);
    const auto reason = why == SSL_ERROR_SSL ? sockx::openssl_reason() : "";
    put();
    if (why == SSL_ERROR_ZERO_RETURN) has_heard_end_ = true;
    if (why == SSL_ERROR_SSL || why == SSL_ERROR_SYSCALL) throw std::runtime_error("TLS: " + reason);
    return result == 1;
  }
  void put() {
    std::array<char, 64 * 1024> records;
    for (std::size_t size = 0; read_bio_(outgoing_, records.data(), records.size(), &size) == 1;)
      for (std::size_t done = 0; done < size;) {
        const auto sent = ::send(fd_, records.data() + done, size - done, MSG_NOSIGNAL);
        Peer::check(sent, "send");
        done += static_cast<std::size_t>(sent);
      }
  }
  void take() {
    std::array<char, 64 * 1024> records;
    const auto got = recv(fd_, records.data(), records.size(), 0);
    Peer::check(got, "recv");
    if (got == 0) throw std::runtime_error("the end has come without close_notify");
    std::size_t written = 0;
    write_bio_(incoming_, records.data(), static_cast<std::size_t>(got), &written);
  }

  const sockx::OpenSsl& ssl_ = sockx::OpenSsl::get();
  const sockx::Library crypto_{"libcrypto.so.3", "a test"};
  decltype(&BIO_read_ex) read_bio_ = nullptr;
  decltype(&BIO_write_ex) write_bio_ = nullptr;
  int fd_;
  sockx::OwnedBy<SSL, &sockx::OpenSsl::SSL_free> connection_;
  BIO *incoming_ = nullptr, *outgoing_ = nullptr;
  bool has_heard_end_ = false, has_ended_ = false;
};

}  // namespace test

// HandshakeState: what the callbacks of OpenSSL know of one connection, and find out.
#pragma once

#include <exception>
#include <optional>
#include <string>

#include "net/tls/openssl.hpp"
#include "net/tls/tls_facts.hpp"
#include "net/tls/tls_options.hpp"

namespace sockx {

class KeyLog;

/// Belongs to an SSL, whose callbacks find it by of(). They throw nothing: a failure is kept here.
struct HandshakeState {
  const TlsOptions& options;
  KeyLog* keylog = nullptr;  // borrowed; null when there is none
  int socket = -1;           // its number, to be shown
  std::optional<CertificateFacts> presented = {};
  TlsFacts::VerifiedBy verified_by = TlsFacts::VerifiedBy::nothing;
  std::string refusal = {};         // why the peer is not accepted
  std::exception_ptr failure = {};  // of anything else

  void belong_to(SSL* ssl) { OpenSsl::get().SSL_set_ex_data(ssl, 0, this); }
  static HandshakeState& of(const SSL* ssl) {
    return *static_cast<HandshakeState*>(OpenSsl::get().SSL_get_ex_data(ssl, 0));
  }
};

/// For SSL_CTX_set_cert_verify_callback(3): by pin, then by chain and name, as the options say; before
/// anything of ours is sent in answer to the certificate.
int verify_peer(X509_STORE_CTX* store, void* nothing);
/// For SSL_CTX_set_keylog_callback(3).
void log_key(const SSL* ssl, const char* line);
/// For SSL_CTX_set_msg_callback(3): tells the observer of handshake messages and alerts.
void observe_message(int is_sent, int version, int type, const void* bytes, std::size_t size, SSL* ssl,
                     void* nothing);

}  // namespace sockx

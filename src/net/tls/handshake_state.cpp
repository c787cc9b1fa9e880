#include "net/tls/handshake_state.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/tls/certificate.hpp"
#include "net/tls/key_log.hpp"
#include "os/observer.hpp"

namespace sockx {

namespace {

/// "2026-01-01" of "2026-01-01T00:00:00Z".
std::string day_of(const std::string& time) { return time.substr(0, time.find('T')); }

std::string names_in(const CertificateFacts& facts) {
  return facts.names.empty() ? facts.subject : joined(facts.names, ", ");
}

std::string refusal_of(X509_STORE_CTX* store, const TlsOptions& options, const CertificateFacts& leaf) {
  const auto& ssl = OpenSsl::get();
  const int error = ssl.X509_STORE_CTX_get_error(store);
  const int depth = ssl.X509_STORE_CTX_get_error_depth(store);
  const auto* const current = ssl.X509_STORE_CTX_get_current_cert(store);
  const auto facts = depth > 0 && current != nullptr ? facts_of(current) : leaf;
  std::string detail;
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      detail = text("notAfter {}", day_of(facts.not_after));
      break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      detail = text("notBefore {}", day_of(facts.not_before));
      break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return text("the certificate is not for {}, but for {}", options.name, names_in(leaf));
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      detail = text("issuer {}", facts.issuer);
      break;
    default:
      break;
  }
  if (depth > 0) detail += text("{}in the chain, {}", detail.empty() ? "" : ", ", facts.subject);
  const std::string reason = ssl.X509_verify_cert_error_string(error);
  return detail.empty() ? reason : text("{} ({})", reason, detail);
}

/// Whether the peer is accepted.
bool verify(X509_STORE_CTX* store, HandshakeState& state) {
  using VerifiedBy = TlsFacts::VerifiedBy;
  const auto& ssl = OpenSsl::get();
  const auto& options = state.options;
  state.presented = facts_of(ssl.X509_STORE_CTX_get0_cert(store));
  const bool has_pin = std::ranges::find(options.pins, state.presented->pin) != options.pins.end();
  if (!options.pins.empty() && !has_pin) {
    ssl.X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
    state.refusal = text("the peer's key is not {}", joined(options.pins, ", ", " or "));
    return false;
  }
  if (has_pin) state.verified_by = VerifiedBy::pin;
  const bool pin_is_proof = has_pin && options.ca.empty();
  if (options.is_insecure || pin_is_proof) return true;
  if (ssl.X509_verify_cert(store) != 1) {
    state.refusal = refusal_of(store, options, *state.presented);
    return false;
  }
  state.verified_by = has_pin ? VerifiedBy::chain_and_pin : VerifiedBy::chain;
  return true;
}

std::string_view handshake_message(unsigned char type) {
  switch (type) {
    case SSL3_MT_HELLO_REQUEST:
      return "HelloRequest";
    case SSL3_MT_CLIENT_HELLO:
      return "ClientHello";
    case SSL3_MT_SERVER_HELLO:
      return "ServerHello";
    case SSL3_MT_NEWSESSION_TICKET:
      return "NewSessionTicket";
    case SSL3_MT_END_OF_EARLY_DATA:
      return "EndOfEarlyData";
    case SSL3_MT_ENCRYPTED_EXTENSIONS:
      return "EncryptedExtensions";
    case SSL3_MT_CERTIFICATE:
      return "Certificate";
    case SSL3_MT_SERVER_KEY_EXCHANGE:
      return "ServerKeyExchange";
    case SSL3_MT_CERTIFICATE_REQUEST:
      return "CertificateRequest";
    case SSL3_MT_SERVER_DONE:
      return "ServerHelloDone";
    case SSL3_MT_CERTIFICATE_VERIFY:
      return "CertificateVerify";
    case SSL3_MT_CLIENT_KEY_EXCHANGE:
      return "ClientKeyExchange";
    case SSL3_MT_FINISHED:
      return "Finished";
    case SSL3_MT_KEY_UPDATE:
      return "KeyUpdate";
    default:
      return "unknown message";
  }
}

}  // namespace

int verify_peer(X509_STORE_CTX* store, void* /*nothing*/) {
  const auto& ssl = OpenSsl::get();
  const auto* const connection = static_cast<const SSL*>(
      ssl.X509_STORE_CTX_get_ex_data(store, ssl.SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto& state = HandshakeState::of(connection);
  try {
    return verify(store, state) ? 1 : 0;
  } catch (...) {
    state.failure = std::current_exception();
    ssl.X509_STORE_CTX_set_error(store, X509_V_ERR_UNSPECIFIED);
    return 0;
  }
}

void log_key(const SSL* ssl, const char* line) {
  auto& state = HandshakeState::of(ssl);
  try {
    state.keylog->add(line);
  } catch (...) {
    state.failure = std::current_exception();
  }
}

void observe_message(int is_sent, int /*version*/, int type, const void* bytes, std::size_t size, SSL* ssl,
                     void* /*nothing*/) {
  const auto* const content = static_cast<const unsigned char*>(bytes);
  const auto* const way = is_sent != 0 ? "sent" : "received";
  const int socket = HandshakeState::of(ssl).socket;
  try {
    if (type == SSL3_RT_HANDSHAKE && size > 0)
      tell_observer("handshake", text("{}, {}", socket, handshake_message(content[0])),
                    text("{} {} bytes", way, size));
    if (type == SSL3_RT_ALERT && size == 2)
      tell_observer("alert", text("{}, {}", socket, OpenSsl::get().SSL_alert_desc_string_long(content[1])),
                    way);
  } catch (...) {
    HandshakeState::of(ssl).failure = std::current_exception();
  }
}

}  // namespace sockx

// TlsFacts: what a handshake has come to.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sockx {

/// What a certificate says. All text is the peer's, made safe to show.
struct CertificateFacts {
  std::string subject, issuer;        // "CN=example.com,O=Example": RFC 2253
  std::vector<std::string> names;     // of subjectAltName: "example.com", "192.0.2.1"
  std::string not_before, not_after;  // "2026-11-20T20:31:40Z"
  std::string pin;                    // "sha256//BASE64"
};

struct TlsFacts {
  enum class VerifiedBy { nothing, chain, pin, chain_and_pin };
  std::string version;      // "TLSv1.3"
  std::string cipher;       // "TLS_AES_256_GCM_SHA384"
  std::string alpn;         // the protocol agreed upon; empty for none
  std::string server_name;  // that was asked for (SNI); empty for none
  CertificateFacts peer;    // empty when the peer has presented no certificate
  VerifiedBy verified_by = VerifiedBy::nothing;
};

/// "nothing", "chain", "pin", "chain and pin".
std::string_view name_of(TlsFacts::VerifiedBy verified_by);

}  // namespace sockx

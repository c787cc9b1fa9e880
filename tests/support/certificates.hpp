// Certificates of any kind, good or bad, made by libcrypto into the folder of a test.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "files.hpp"
#include "net/tls/certificate.hpp"
#include "net/tls/openssl.hpp"
#include "os/library.hpp"

namespace test {

struct CertificateRequest {
  std::string subject = "a peer";
  std::string names = "DNS:localhost,IP:127.0.0.1";  // as x509v3_config(5) has them, DER:... too
  int first_day = -1, last_day = 1;                  // from today
  bool is_authority = false;
};

/// A certificate and its key in PEM files.
struct CertificateFiles {
  std::string certificate, key;
};

/// An authority that signs whatever it is asked to.
class Authority {
 public:
  explicit Authority(std::string name) : name_(std::move(name)) {
    own_ = make({name_, "", -1, 1, true}, name_);
    identity_ = sockx::load_identity(own_.certificate, own_.key, nullptr);
  }

  /// The file to trust.
  const std::string& file() const { return own_.certificate; }
  const std::string& folder() const { return folder_.path(); }
  CertificateFiles sign(const CertificateRequest& request = {}) {
    return make(request, text("leaf-{}", ++count_));
  }

 private:
  template <class... Arguments>
  static std::string text(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    return sockx::text(format, std::forward<Arguments>(arguments)...);
  }

  CertificateFiles make(const CertificateRequest& request, const std::string& file) {
    using sockx::OpenSsl;
    const auto& ssl = OpenSsl::get();
    const sockx::OwnedBy<X509, &OpenSsl::X509_free> made(ssl.X509_new());
    const sockx::OwnedBy<EVP_PKEY, &OpenSsl::EVP_PKEY_free> key(
        ssl.EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
    REQUIRE((made && key));
    ssl.X509_set_version(made.get(), X509_VERSION_3);
    std::uint32_t serial = 0;
    ssl.RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
    ssl.ASN1_INTEGER_set_uint64(ssl.X509_get_serialNumber(made.get()), serial);
    ssl.X509_time_adj_ex(ssl.X509_getm_notBefore(made.get()), request.first_day, 0, nullptr);
    ssl.X509_time_adj_ex(ssl.X509_getm_notAfter(made.get()), request.last_day, 0, nullptr);
    auto* const subject = ssl.X509_get_subject_name(made.get());
    ssl.X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(request.subject.c_str()), -1, -1,
                                   0);
    auto* const issuer = identity_.certificate ? identity_.certificate.get() : made.get();
    ssl.X509_set_issuer_name(made.get(), ssl.X509_get_subject_name(issuer));
    ssl.X509_set_pubkey(made.get(), key.get());
    add(made.get(), NID_basic_constraints, request.is_authority ? "critical,CA:TRUE" : "CA:FALSE");
    if (!request.names.empty()) add(made.get(), NID_subject_alt_name, request.names.c_str());
    REQUIRE(ssl.X509_sign(made.get(), identity_.key ? identity_.key.get() : key.get(), ssl.EVP_sha256()) > 0);
    return write(made.get(), key.get(), file);
  }

  static void add(X509* certificate, int kind, const char* value) {
    using sockx::OpenSsl;
    const auto& ssl = OpenSsl::get();
    const sockx::OwnedBy<X509_EXTENSION, &OpenSsl::X509_EXTENSION_free> extension(
        ssl.X509V3_EXT_conf_nid(nullptr, nullptr, kind, value));
    REQUIRE(extension);
    ssl.X509_add_ext(certificate, extension.get(), -1);
  }

  CertificateFiles write(X509* certificate, EVP_PKEY* key, const std::string& file) const {
    const auto& ssl = sockx::OpenSsl::get();
    const sockx::Library crypto("libcrypto.so.3", "a test");
    decltype(&PEM_write_bio_X509) write_certificate = nullptr;
    decltype(&PEM_write_bio_PrivateKey) write_key = nullptr;
    crypto.find("PEM_write_bio_X509", write_certificate);
    crypto.find("PEM_write_bio_PrivateKey", write_key);
    const auto content = [&](const auto& put) {
      const sockx::OwnedBy<BIO, &sockx::OpenSsl::BIO_free> memory(ssl.BIO_new(ssl.BIO_s_mem()));
      put(memory.get());
      char* bytes = nullptr;
      const long size = ssl.BIO_ctrl(memory.get(), BIO_CTRL_INFO, 0, static_cast<void*>(&bytes));
      return std::string(bytes, static_cast<std::size_t>(size));
    };
    return {
        write_file(folder_ / (file + ".pem"), content([&](BIO* to) { write_certificate(to, certificate); })),
        write_file(folder_ / (file + "-key.pem"),
                   content([&](BIO* to) { write_key(to, key, nullptr, nullptr, 0, nullptr, nullptr); }))};
  }

  Folder folder_;
  std::string name_;
  CertificateFiles own_;
  sockx::Identity identity_;
  unsigned count_ = 0;
};

/// The options of a side of TLS that has this certificate.
inline std::vector<std::string> with_certificate(const CertificateFiles& files) {
  return {"--tls", "--tls-cert", files.certificate, "--tls-key", files.key};
}

}  // namespace test

// Certificates: ours, from files or made here, and what they say.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/tls/tls_facts.hpp"

struct x509_st;
struct evp_pkey_st;

namespace sockx {

/// A certificate with its key and the rest of its chain.
struct Identity {
  std::shared_ptr<x509_st> certificate;
  std::shared_ptr<evp_pkey_st> key;
  std::vector<std::shared_ptr<x509_st>> chain;
};

/// Reads PEM files; the key's may be the same. Throws Error with Origin::local_file for a file that cannot be
/// read, and BadInput for what is no certificate, no key, or not the key of the certificate. `passphrase` is
/// called for an encrypted key, and may be null.
Identity load_identity(const std::string& certificate_file, const std::string& key_file,
                       const std::function<std::string(const std::string&)>& passphrase);

/// A self-signed certificate with a new P-256 key, for these names and addresses, good for ten years.
Identity make_certificate(const std::vector<std::string>& names);
/// The names that a server on this host is called by: "localhost", gethostname(2), and the addresses of
/// getifaddrs(3).
std::vector<std::string> names_of_this_host();

/// "sha256//BASE64": SHA-256 of the certificate's SubjectPublicKeyInfo, in curl's notation.
std::string pin_of(const x509_st* certificate);
CertificateFacts facts_of(const x509_st* certificate);

/// The content of a file. Throws Error with Origin::local_file.
std::string content_of(const std::string& path);

}  // namespace sockx

// TlsOptions: what a user says about TLS, the same for each connection.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sockx {

struct TlsOptions {
  enum class Role { client, server } role = Role::client;
  enum class Version { tls12, tls13 };

  // What proves the peer. A server that is given none of these asks for no certificate.
  std::string ca;                 // PEM file, or folder of hashed links; empty: the system's for a client
  std::vector<std::string> pins;  // as parse_pins() returns them; without `ca` a pin alone is the proof
  bool is_insecure = false;       // of a client: nothing is verified but the pins
  std::string name;               // of a client: the name or address that the certificate must have, and SNI

  // What proves us. A server without a certificate makes one, see make_certificate().
  std::string certificate;  // PEM file with its chain
  std::string key;          // PEM file; empty: in the file of the certificate
  /// The passphrase for an encrypted key in the file that it is given; null where nobody can be asked.
  std::function<std::string(const std::string&)> ask_passphrase;

  std::vector<std::string> alpn;  // protocols, the preferred one first
  Version min_version = Version::tls12;
  std::string ciphers;  // as ciphers(1) has them, the suites of TLS 1.3 too; empty: the system's choice
  std::string keylog;   // file to append secrets to, in the NSS key log format
  /// What goes wrong and is no failure; null where nobody is told.
  std::function<void(const std::string&)> warn;
  bool is_eof_lenient = false;  // the peer's FIN without close_notify is an end, and not a truncation
};

/// "sha256//BASE64" words, separated by semicolons, as curl has them. Throws BadInput that quotes the word.
std::vector<std::string> parse_pins(std::string_view words);

/// Throws BadInput for a client that could not verify its peer: it has no name to look for, no pin, and is
/// not to be insecure; and for options that do not go together.
void check(const TlsOptions& options);

}  // namespace sockx

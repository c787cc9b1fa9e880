// TlsContext: what all TLS connections of a command share: options, trust, certificate, key.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/non_copyable.hpp"
#include "net/tls/certificate.hpp"
#include "net/tls/key_log.hpp"
#include "net/tls/tls_options.hpp"

struct ssl_ctx_st;

namespace sockx {

/// Large buffers for ciphertext that is about to be sent. A connection has one only while it writes. To free
/// and allocate one for each send would cost as much as the encryption: all its pages are new then.
class SpareBuffers {
 public:
  static constexpr std::size_t size = (256 + 64 + 16) * 1024;  // bytes of capacity
  std::vector<std::byte> take();
  void give(std::vector<std::byte> buffer);

 private:
  static constexpr std::size_t most = 4;
  std::vector<std::vector<std::byte>> buffers_;
};

/// Made before a server starts its workers, so that all of them have the same key.
class TlsContext : NonCopyable {
 public:
  /// Opens OpenSSL and reads all files. Throws std::runtime_error when OpenSSL is not on this machine, Error
  /// with Origin::local_file, BadInput.
  explicit TlsContext(TlsOptions options);

  const TlsOptions& options() const { return options_; }
  /// Of our own certificate; empty when there is none.
  std::string pin() const;
  /// Whether the certificate was made here, because the options have none.
  bool is_ephemeral() const { return is_ephemeral_; }

  /// Reads the files again, for the connections from now on. Throws as the constructor does, and then
  /// nothing has changed. A certificate that was made here stays.
  void reload();

  // For the other files of net/tls/.
  const std::shared_ptr<ssl_ctx_st>& current() const { return context_; }
  KeyLog* keylog() const { return keylog_.get(); }
  SpareBuffers& spare_buffers() const { return spare_buffers_; }

 private:
  void load_own_identity();
  std::shared_ptr<ssl_ctx_st> make() const;

  TlsOptions options_;
  bool is_ephemeral_ = false;
  std::string passphrase_;  // as it was typed once
  Identity identity_;
  std::unique_ptr<KeyLog> keylog_;
  mutable SpareBuffers spare_buffers_;
  std::shared_ptr<ssl_ctx_st> context_;
};

}  // namespace sockx

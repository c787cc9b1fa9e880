#include "net/tls/openssl.hpp"

#include <stdexcept>

#include "base/text.hpp"
#include "os/library.hpp"

namespace sockx {

const OpenSsl& OpenSsl::get() {
  static const OpenSsl openssl;
  return openssl;
}

OpenSsl::OpenSsl() {
  const Library crypto("libcrypto.so.3", "TLS", "libssl3"), ssl("libssl.so.3", "TLS", "libssl3");
#define SOCKX_FIND(name) ssl.find(#name, name);
  SOCKX_SSL_FUNCTIONS(SOCKX_FIND)
#undef SOCKX_FIND
#define SOCKX_FIND(name) crypto.find(#name, name);
  SOCKX_CRYPTO_FUNCTIONS(SOCKX_FIND)
#undef SOCKX_FIND
  // Nothing of it is needed at the end of the process, which would only take time.
  OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, nullptr);
}

std::string openssl_reason(const char* otherwise) {
  const auto& ssl = OpenSsl::get();
  const char* const reason = ssl.ERR_reason_error_string(ssl.ERR_peek_error());
  return reason != nullptr ? reason : otherwise;
}

void throw_openssl_error(const char* call) {
  throw std::runtime_error(text("OpenSSL: {}: {}", call, openssl_reason()));
}

}  // namespace sockx

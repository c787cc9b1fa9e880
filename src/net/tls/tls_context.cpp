#include "net/tls/tls_context.hpp"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/tls/handshake_state.hpp"
#include "os/observer.hpp"
#include "os/output_file.hpp"

namespace sockx {

namespace {

using Role = TlsOptions::Role;

constexpr std::size_t read_ahead = 64 * 1024;  // bytes

/// Whether a folder has a link such as "5ed36f99.0", by which OpenSSL finds a certificate in it.
bool has_hashed_links(const std::string& folder) {
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(opendir(folder.c_str()), closedir);
  if (!entries) return false;
  while (const auto* const entry = readdir(entries.get())) {
    const std::string_view name = entry->d_name;
    const auto is_hash = [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; };
    if (name.size() >= 10 && name[8] == '.' && std::ranges::all_of(name.substr(0, 8), is_hash)) return true;
  }
  return false;
}

void trust_folder(X509_STORE* store, const std::string& folder) {
  const auto& ssl = OpenSsl::get();
  auto* const lookup = ssl.X509_STORE_add_lookup(store, ssl.X509_LOOKUP_hash_dir());
  if (lookup == nullptr ||
      ssl.X509_LOOKUP_ctrl(lookup, X509_L_ADD_DIR, folder.c_str(), X509_FILETYPE_PEM, nullptr) != 1)
    throw_openssl_error("X509_LOOKUP_hash_dir");
}

void trust(X509_STORE* store, const std::string& path, const char* setting) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) fail_on_file("open", path);
  if (S_ISDIR(status.st_mode)) {
    if (!has_hashed_links(path))
      throw BadInput(setting,
                     text("'{}' has no hashed links to certificates: run openssl rehash {}", path, path));
    return trust_folder(store, path);
  }
  content_of(path);  // says why it cannot be read
  const auto& ssl = OpenSsl::get();
  ssl.ERR_clear_error();
  if (ssl.X509_STORE_load_file(store, path.c_str()) != 1)
    throw BadInput(setting, text("'{}' has no certificate in PEM ({})", path, openssl_reason()));
}

/// The folder of hashed links is read when a certificate is looked for; the file is read at once, all 140
/// certificates of it. So it is only for where there is no such folder.
void trust_system(X509_STORE* store) {
  const auto& ssl = OpenSsl::get();
  const char* const chosen_file = std::getenv(ssl.X509_get_default_cert_file_env());
  const char* const chosen_folder = std::getenv(ssl.X509_get_default_cert_dir_env());
  const std::string folder = chosen_folder != nullptr ? chosen_folder : ssl.X509_get_default_cert_dir();
  const std::string file = chosen_file != nullptr ? chosen_file : ssl.X509_get_default_cert_file();
  const bool has_folder = has_hashed_links(folder);
  if (has_folder) trust_folder(store, folder);
  if (chosen_file != nullptr || !has_folder) ssl.X509_STORE_load_file(store, file.c_str());
  ssl.ERR_clear_error();
}

/// The list on the wire: each name behind a byte with its size.
std::string encoded(const std::vector<std::string>& names) {
  std::string bytes;
  for (const auto& name : names) {
    bytes += static_cast<char>(name.size());
    bytes += name;
  }
  return bytes;
}

/// The first of our protocols that the client has too. Without one the handshake ends.
int choose_protocol(SSL* /*ssl*/, const unsigned char** chosen, unsigned char* size,
                    const unsigned char* offered, unsigned offered_size, void* given) {
  const auto& ours = static_cast<const TlsOptions*>(given)->alpn;
  for (const auto& protocol : ours)
    for (unsigned at = 0; at < offered_size; at += offered[at] + 1U) {
      if (protocol.size() != offered[at] || at + offered[at] >= offered_size) continue;
      if (std::memcmp(protocol.data(), offered + at + 1, protocol.size()) != 0) continue;
      *chosen = offered + at + 1;
      *size = offered[at];
      return SSL_TLSEXT_ERR_OK;
    }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

void set_alpn(SSL_CTX* context, const TlsOptions& options) {
  if (options.alpn.empty()) return;
  const auto& ssl = OpenSsl::get();
  if (options.role == Role::server) {
    void* const given = const_cast<TlsOptions*>(&options);
    return ssl.SSL_CTX_set_alpn_select_cb(context, choose_protocol, given);
  }
  const auto list = encoded(options.alpn);
  const auto* const bytes = reinterpret_cast<const unsigned char*>(list.data());
  if (ssl.SSL_CTX_set_alpn_protos(context, bytes, static_cast<unsigned>(list.size())) != 0)
    throw_openssl_error("SSL_CTX_set_alpn_protos");
}

/// The suites of TLS 1.3 and the ciphers before that are two settings of OpenSSL, told apart by "TLS_". When
/// there are only suites of TLS 1.3, there is no other version.
void set_ciphers(SSL_CTX* context, const std::string& list, long& least_version) {
  if (list.empty()) return;
  const auto& ssl = OpenSsl::get();
  std::string suites, others;
  for (std::string_view rest = list;;) {
    const auto end = rest.find(':');
    const auto word = rest.substr(0, end);
    auto& words = word.starts_with("TLS_") ? suites : others;
    if (!words.empty()) words += ':';
    words += word;
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  ssl.ERR_clear_error();
  const bool is_known = (suites.empty() || ssl.SSL_CTX_set_ciphersuites(context, suites.c_str()) == 1) &&
                        (others.empty() || ssl.SSL_CTX_set_cipher_list(context, others.c_str()) == 1);
  if (!is_known)
    throw BadInput("tls-ciphers",
                   text("'{}': OpenSSL has no such cipher; openssl ciphers -s lists them", list));
  if (others.empty()) least_version = TLS1_3_VERSION;
}

}  // namespace

std::vector<std::byte> SpareBuffers::take() {
  std::vector<std::byte> buffer;
  if (!buffers_.empty()) {
    buffer = std::move(buffers_.back());
    buffers_.pop_back();
  }
  buffer.reserve(size);
  return buffer;
}

void SpareBuffers::give(std::vector<std::byte> buffer) {
  buffer.clear();
  if (buffers_.size() < most && buffer.capacity() == size) buffers_.push_back(std::move(buffer));
}

TlsContext::TlsContext(TlsOptions options) : options_(std::move(options)) {
  check(options_);
  OpenSsl::get();
  if (!options_.keylog.empty()) keylog_ = std::make_unique<KeyLog>(options_.keylog, options_.warn);
  if (options_.ask_passphrase)
    options_.ask_passphrase = [this, ask = options_.ask_passphrase](const std::string& file) {
      if (passphrase_.empty()) passphrase_ = ask(file);
      return passphrase_;
    };
  load_own_identity();
  context_ = make();
}

void TlsContext::load_own_identity() {
  is_ephemeral_ = options_.certificate.empty() && options_.role == Role::server;
  if (!options_.certificate.empty())
    identity_ = load_identity(options_.certificate, options_.key, options_.ask_passphrase);
  else if (is_ephemeral_ && !identity_.certificate)
    identity_ = make_certificate(names_of_this_host());
}

std::string TlsContext::pin() const {
  return identity_.certificate ? pin_of(identity_.certificate.get()) : "";
}

void TlsContext::reload() {
  const auto before = identity_;
  try {
    load_own_identity();
    context_ = make();
  } catch (...) {
    identity_ = before;
    throw;
  }
}

std::shared_ptr<ssl_ctx_st> TlsContext::make() const {
  const auto& ssl = OpenSsl::get();
  const bool is_server = options_.role == Role::server;
  ssl.ERR_clear_error();
  std::shared_ptr<SSL_CTX> context(
      ssl.SSL_CTX_new(is_server ? ssl.TLS_server_method() : ssl.TLS_client_method()),
      [](SSL_CTX* old) { OpenSsl::get().SSL_CTX_free(old); });
  if (!context) throw_openssl_error("SSL_CTX_new");
  auto* const c = context.get();

  // Without AUTO_RETRY an SSL_read ends where what has been read ahead had no data.
  ssl.SSL_CTX_ctrl(c, SSL_CTRL_CLEAR_MODE, SSL_MODE_AUTO_RETRY, nullptr);
  ssl.SSL_CTX_ctrl(c, SSL_CTRL_MODE,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN,
                   nullptr);
  ssl.SSL_CTX_ctrl(c, SSL_CTRL_SET_READ_AHEAD, 1, nullptr);
  ssl.SSL_CTX_set_default_read_buffer_len(c, read_ahead);
  // Tickets that nobody reads make a reset of the client's close, which destroys data.
  ssl.SSL_CTX_set_num_tickets(c, 0);
  ssl.SSL_CTX_ctrl(c, SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_OFF, nullptr);
  ssl.SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);

  long least = options_.min_version == TlsOptions::Version::tls13 ? TLS1_3_VERSION : TLS1_2_VERSION;
  set_ciphers(c, options_.ciphers, least);
  if (ssl.SSL_CTX_ctrl(c, SSL_CTRL_GET_MIN_PROTO_VERSION, 0, nullptr) < least)
    ssl.SSL_CTX_ctrl(c, SSL_CTRL_SET_MIN_PROTO_VERSION, least, nullptr);
  set_alpn(c, options_);

  if (identity_.certificate) {
    bool is_taken = ssl.SSL_CTX_use_certificate(c, identity_.certificate.get()) == 1 &&
                    ssl.SSL_CTX_use_PrivateKey(c, identity_.key.get()) == 1;
    for (const auto& next : identity_.chain)
      is_taken = is_taken && ssl.SSL_CTX_ctrl(c, SSL_CTRL_CHAIN_CERT, 1, next.get()) == 1;
    if (!is_taken)
      throw BadInput("tls-cert", text("'{}' cannot be used: {}", options_.certificate, openssl_reason()));
  }

  auto* const store = ssl.SSL_CTX_get_cert_store(c);
  const bool needs_chain = !options_.is_insecure && options_.pins.empty();
  if (!options_.ca.empty())
    trust(store, options_.ca, is_server ? "tls-client-ca" : "tls-ca");
  else if (!is_server && needs_chain)
    trust_system(store);
  const bool demands_certificate = !is_server || !options_.ca.empty() || !options_.pins.empty();
  if (demands_certificate)
    ssl.SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  if (is_server && !options_.ca.empty())
    if (auto* const names = ssl.SSL_load_client_CA_file(options_.ca.c_str()))
      ssl.SSL_CTX_set_client_CA_list(c, names);
  ssl.SSL_CTX_set_cert_verify_callback(c, verify_peer, nullptr);
  if (keylog_) ssl.SSL_CTX_set_keylog_callback(c, log_key);
  if (calls_are_observed()) ssl.SSL_CTX_set_msg_callback(c, observe_message);
  ssl.ERR_clear_error();
  return context;
}

}  // namespace sockx

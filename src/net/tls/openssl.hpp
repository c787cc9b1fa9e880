// OpenSsl: the functions of OpenSSL, opened by dlopen(3) when TLS is first asked for. The build needs only
// the headers. Only files of net/tls/ include this one.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

namespace sockx {

// Functions that the headers define as macros or inline functions are not in the libraries: what they stand
// for is.
#define SOCKX_SSL_FUNCTIONS(F)           \
  F(OPENSSL_init_ssl)                    \
  F(SSL_CIPHER_get_name)                 \
  F(SSL_CTX_ctrl)                        \
  F(SSL_CTX_free)                        \
  F(SSL_CTX_get_cert_store)              \
  F(SSL_CTX_new)                         \
  F(SSL_CTX_set_alpn_protos)             \
  F(SSL_CTX_set_alpn_select_cb)          \
  F(SSL_CTX_set_cert_verify_callback)    \
  F(SSL_CTX_set_cipher_list)             \
  F(SSL_CTX_set_ciphersuites)            \
  F(SSL_CTX_set_client_CA_list)          \
  F(SSL_CTX_set_default_read_buffer_len) \
  F(SSL_CTX_set_keylog_callback)         \
  F(SSL_CTX_set_msg_callback)            \
  F(SSL_CTX_set_num_tickets)             \
  F(SSL_CTX_set_options)                 \
  F(SSL_CTX_set_verify)                  \
  F(SSL_CTX_use_PrivateKey)              \
  F(SSL_CTX_use_certificate)             \
  F(SSL_alert_desc_string_long)          \
  F(SSL_ctrl)                            \
  F(SSL_do_handshake)                    \
  F(SSL_free)                            \
  F(SSL_get0_alpn_selected)              \
  F(SSL_get0_param)                      \
  F(SSL_get_current_cipher)              \
  F(SSL_get_error)                       \
  F(SSL_get_ex_data)                     \
  F(SSL_get_ex_data_X509_STORE_CTX_idx)  \
  F(SSL_get_servername)                  \
  F(SSL_get_version)                     \
  F(SSL_has_pending)                     \
  F(SSL_load_client_CA_file)             \
  F(SSL_new)                             \
  F(SSL_read_ex)                         \
  F(SSL_rstate_string)                   \
  F(SSL_set_accept_state)                \
  F(SSL_set_bio)                         \
  F(SSL_set_connect_state)               \
  F(SSL_set_ex_data)                     \
  F(SSL_shutdown)                        \
  F(SSL_write_ex)                        \
  F(TLS_client_method)                   \
  F(TLS_server_method)

#define SOCKX_CRYPTO_FUNCTIONS(F)    \
  F(ASN1_INTEGER_set_uint64)         \
  F(ASN1_STRING_get0_data)           \
  F(ASN1_STRING_length)              \
  F(ASN1_TIME_to_tm)                 \
  F(BIO_clear_flags)                 \
  F(BIO_ctrl)                        \
  F(BIO_free)                        \
  F(BIO_get_data)                    \
  F(BIO_meth_new)                    \
  F(BIO_meth_set_ctrl)               \
  F(BIO_meth_set_read_ex)            \
  F(BIO_meth_set_write_ex)           \
  F(BIO_new)                         \
  F(BIO_new_mem_buf)                 \
  F(BIO_s_mem)                       \
  F(BIO_set_data)                    \
  F(BIO_set_flags)                   \
  F(BIO_set_init)                    \
  F(CRYPTO_free)                     \
  F(ERR_clear_error)                 \
  F(ERR_peek_error)                  \
  F(ERR_peek_last_error)             \
  F(ERR_reason_error_string)         \
  F(EVP_DecodeBlock)                 \
  F(EVP_EncodeBlock)                 \
  F(EVP_PKEY_Q_keygen)               \
  F(EVP_PKEY_free)                   \
  F(EVP_Q_digest)                    \
  F(EVP_sha256)                      \
  F(GENERAL_NAMES_free)              \
  F(OPENSSL_sk_num)                  \
  F(OPENSSL_sk_value)                \
  F(PEM_read_bio_PrivateKey)         \
  F(PEM_read_bio_X509)               \
  F(RAND_bytes)                      \
  F(X509V3_EXT_conf_nid)             \
  F(X509V3_set_ctx)                  \
  F(X509_EXTENSION_free)             \
  F(X509_LOOKUP_ctrl)                \
  F(X509_LOOKUP_hash_dir)            \
  F(X509_NAME_add_entry_by_txt)      \
  F(X509_NAME_print_ex)              \
  F(X509_STORE_CTX_get0_cert)        \
  F(X509_STORE_CTX_get_current_cert) \
  F(X509_STORE_CTX_get_error)        \
  F(X509_STORE_CTX_get_error_depth)  \
  F(X509_STORE_CTX_get_ex_data)      \
  F(X509_STORE_CTX_set_error)        \
  F(X509_STORE_add_lookup)           \
  F(X509_STORE_load_file)            \
  F(X509_VERIFY_PARAM_set1_host)     \
  F(X509_VERIFY_PARAM_set1_ip_asc)   \
  F(X509_VERIFY_PARAM_set_hostflags) \
  F(X509_add_ext)                    \
  F(X509_check_private_key)          \
  F(X509_free)                       \
  F(X509_get0_notAfter)              \
  F(X509_get0_notBefore)             \
  F(X509_get_X509_PUBKEY)            \
  F(X509_get_default_cert_dir)       \
  F(X509_get_default_cert_dir_env)   \
  F(X509_get_default_cert_file)      \
  F(X509_get_default_cert_file_env)  \
  F(X509_get_ext_d2i)                \
  F(X509_get_issuer_name)            \
  F(X509_get_serialNumber)           \
  F(X509_get_subject_name)           \
  F(X509_getm_notAfter)              \
  F(X509_getm_notBefore)             \
  F(X509_gmtime_adj)                 \
  F(X509_new)                        \
  F(X509_set_issuer_name)            \
  F(X509_set_pubkey)                 \
  F(X509_set_version)                \
  F(X509_sign)                       \
  F(X509_time_adj_ex)                \
  F(X509_up_ref)                     \
  F(X509_verify_cert)                \
  F(X509_verify_cert_error_string)   \
  F(i2d_X509_PUBKEY)

/// The functions by their own names. A call of the library itself, `SSL_new()`, would not link.
struct OpenSsl {
#define SOCKX_DECLARE(name) decltype(&::name) name;  // NOLINT(bugprone-macro-parentheses): it is declared
  SOCKX_SSL_FUNCTIONS(SOCKX_DECLARE)
  SOCKX_CRYPTO_FUNCTIONS(SOCKX_DECLARE)
#undef SOCKX_DECLARE

  /// Opens the libraries at the first call. Throws std::runtime_error when they are not on this machine.
  static const OpenSsl& get();

 private:
  OpenSsl();
};

/// Frees what OpenSSL has made: `std::unique_ptr<X509, FreedBy<&OpenSsl::X509_free>>`.
template <auto free>
struct FreedBy {
  template <class T>
  void operator()(T* object) const {
    (OpenSsl::get().*free)(object);
  }
};
template <class T, auto free>
using OwnedBy = std::unique_ptr<T, FreedBy<free>>;

/// The reason of the first error in OpenSSL's queue, in its words; `otherwise` when the queue is empty.
std::string openssl_reason(const char* otherwise = "unknown reason");
/// Throws std::runtime_error for a call of OpenSSL that should not have failed.
[[noreturn]] void throw_openssl_error(const char* call);

}  // namespace sockx

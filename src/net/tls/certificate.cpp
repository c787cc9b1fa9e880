#include "net/tls/certificate.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/address/numeric_address.hpp"
#include "net/tls/openssl.hpp"
#include "os/calls.hpp"
#include "os/output_file.hpp"
#include "os/unique_fd.hpp"

namespace sockx {

namespace {

constexpr long valid_before = -24 * 60 * 60;  // seconds: the peer's clock may be behind
constexpr int valid_days = 3650;

using OwnedBio = OwnedBy<BIO, &OpenSsl::BIO_free>;

std::shared_ptr<X509> shared(X509* certificate) { return {certificate, FreedBy<&OpenSsl::X509_free>()}; }

std::shared_ptr<EVP_PKEY> shared(EVP_PKEY* key) { return {key, FreedBy<&OpenSsl::EVP_PKEY_free>()}; }

OwnedBio reader_of(const std::string& bytes) {
  OwnedBio bio(OpenSsl::get().BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
  if (!bio) throw_openssl_error("BIO_new_mem_buf");
  return bio;
}

OwnedBio new_memory() {
  const auto& ssl = OpenSsl::get();
  OwnedBio bio(ssl.BIO_new(ssl.BIO_s_mem()));
  if (!bio) throw_openssl_error("BIO_new");
  return bio;
}

std::string written_to(const OwnedBio& memory) {
  char* bytes = nullptr;
  const long size = OpenSsl::get().BIO_ctrl(memory.get(), BIO_CTRL_INFO, 0, static_cast<void*>(&bytes));
  return {bytes, static_cast<std::size_t>(size)};
}

/// What the callback of PEM_read_bio_PrivateKey(3) needs to know.
struct Passphrase {
  const std::function<std::string(const std::string&)>& ask;
  const std::string& file;
  bool is_asked = false;
  std::exception_ptr failure = {};
};

int give_passphrase(char* buffer, int size, int /*is_for_writing*/, void* given) {
  auto& passphrase = *static_cast<Passphrase*>(given);
  passphrase.is_asked = true;
  try {
    if (!passphrase.ask) return -1;
    const auto words = passphrase.ask(passphrase.file);
    if (words.size() > static_cast<std::size_t>(size)) return -1;
    std::copy(words.begin(), words.end(), buffer);
    return static_cast<int>(words.size());
  } catch (...) {
    passphrase.failure = std::current_exception();
    return -1;
  }
}

std::shared_ptr<EVP_PKEY> load_key(const std::string& file,
                                   const std::function<std::string(const std::string&)>& ask) {
  const auto& ssl = OpenSsl::get();
  const auto content = content_of(file);
  const auto reader = reader_of(content);
  Passphrase passphrase{ask, file};
  ssl.ERR_clear_error();
  auto key = shared(ssl.PEM_read_bio_PrivateKey(reader.get(), nullptr, give_passphrase, &passphrase));
  if (passphrase.failure) std::rethrow_exception(passphrase.failure);
  if (key) return key;
  if (passphrase.is_asked && !ask)
    throw BadInput("tls-key", text("'{}' is encrypted, and nobody can be asked for its passphrase", file));
  if (passphrase.is_asked) throw BadInput("tls-key", text("'{}': the passphrase does not open it", file));
  throw BadInput("tls-key", text("'{}' has no private key in PEM ({})", file, openssl_reason()));
}

std::string text_of(const X509_NAME* name) {
  const auto memory = new_memory();
  OpenSsl::get().X509_NAME_print_ex(memory.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  return one_line(written_to(memory));
}

std::string text_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (OpenSsl::get().ASN1_TIME_to_tm(time, &parts) != 1) return "?";
  std::array<char, 32> words;
  return {words.data(), std::strftime(words.data(), words.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

std::string text_of(const GENERAL_NAME& name) {
  const auto& ssl = OpenSsl::get();
  const auto* const string = name.type == GEN_DNS ? name.d.dNSName : name.d.iPAddress;
  const auto* const bytes = ssl.ASN1_STRING_get0_data(string);
  const int size = ssl.ASN1_STRING_length(string);
  if (name.type == GEN_DNS)
    return escaped({reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)});
  std::array<char, INET6_ADDRSTRLEN> words;
  const auto* const shown =
      inet_ntop(size == 4 ? AF_INET : AF_INET6, bytes, words.data(), static_cast<socklen_t>(words.size()));
  return (size == 4 || size == 16) && shown != nullptr ? shown : "?";
}

std::vector<std::string> alternative_names(const X509* certificate) {
  const auto& ssl = OpenSsl::get();
  const OwnedBy<GENERAL_NAMES, &OpenSsl::GENERAL_NAMES_free> names(
      static_cast<GENERAL_NAMES*>(ssl.X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> words;
  const auto* const stack = reinterpret_cast<const OPENSSL_STACK*>(names.get());
  for (int i = 0; i < ssl.OPENSSL_sk_num(stack); ++i) {
    const auto& name = *static_cast<const GENERAL_NAME*>(ssl.OPENSSL_sk_value(stack, i));
    if (name.type == GEN_DNS || name.type == GEN_IPADD) words.push_back(text_of(name));
  }
  return words;
}

void add_extension(X509* certificate, int kind, const std::string& value) {
  const auto& ssl = OpenSsl::get();
  X509V3_CTX context{};
  ssl.X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const OwnedBy<X509_EXTENSION, &OpenSsl::X509_EXTENSION_free> extension(
      ssl.X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  if (!extension || ssl.X509_add_ext(certificate, extension.get(), -1) != 1)
    throw_openssl_error("X509_add_ext");
}

/// Letters, digits and what else a name of a host has: so it is one value in the words of an extension.
bool is_plain_name(const std::string& name) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  };
  return !name.empty() && name.size() <= 253 && std::ranges::all_of(name, is_plain);
}

std::string subject_alternatives(const std::vector<std::string>& names) {
  std::vector<std::string> words;
  for (const auto& name : names) {
    const auto address = numeric_address(name);
    if (address)
      words.push_back("IP:" + address->ntop());
    else if (is_plain_name(name))
      words.push_back("DNS:" + name);
  }
  return joined(words, ",");
}

void sign(X509* certificate, EVP_PKEY* key, const std::vector<std::string>& names) {
  const auto& ssl = OpenSsl::get();
  std::uint64_t serial = 0;
  ssl.RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
  auto* const subject = ssl.X509_get_subject_name(certificate);
  const std::string common = "sockx";
  const bool is_filled =
      ssl.X509_set_version(certificate, X509_VERSION_3) == 1 &&
      ssl.ASN1_INTEGER_set_uint64(ssl.X509_get_serialNumber(certificate), serial >> 1U) == 1 &&
      ssl.X509_gmtime_adj(ssl.X509_getm_notBefore(certificate), valid_before) != nullptr &&
      ssl.X509_time_adj_ex(ssl.X509_getm_notAfter(certificate), valid_days, 0, nullptr) != nullptr &&
      ssl.X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                     reinterpret_cast<const unsigned char*>(common.data()),
                                     static_cast<int>(common.size()), -1, 0) == 1 &&
      ssl.X509_set_issuer_name(certificate, subject) == 1 && ssl.X509_set_pubkey(certificate, key) == 1;
  if (!is_filled) throw_openssl_error("X509_new");
  add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(certificate, NID_key_usage, "critical,digitalSignature");
  add_extension(certificate, NID_ext_key_usage, "serverAuth,clientAuth");
  const auto alternatives = subject_alternatives(names);
  if (!alternatives.empty()) add_extension(certificate, NID_subject_alt_name, alternatives);
  if (ssl.X509_sign(certificate, key, ssl.EVP_sha256()) == 0) throw_openssl_error("X509_sign");
}

}  // namespace

std::string_view name_of(TlsFacts::VerifiedBy verified_by) {
  switch (verified_by) {
    case TlsFacts::VerifiedBy::nothing:
      return "nothing";
    case TlsFacts::VerifiedBy::chain:
      return "chain";
    case TlsFacts::VerifiedBy::pin:
      return "pin";
    case TlsFacts::VerifiedBy::chain_and_pin:
      return "chain and pin";
  }
  return "";
}

std::string content_of(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd) fail_on_file("open", path);
  std::string content;
  std::array<char, 16 * 1024> buffer;
  for (;;) {
    const auto got = uninterrupted([&] { return ::read(fd.get(), buffer.data(), buffer.size()); });
    if (got < 0) fail_on_file("read", path);
    if (got == 0) return content;
    content.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

Identity load_identity(const std::string& certificate_file, const std::string& key_file,
                       const std::function<std::string(const std::string&)>& passphrase) {
  const auto& ssl = OpenSsl::get();
  const auto content = content_of(certificate_file);
  const auto reader = reader_of(content);
  Identity identity;
  ssl.ERR_clear_error();
  identity.certificate = shared(ssl.PEM_read_bio_X509(reader.get(), nullptr, nullptr, nullptr));
  if (!identity.certificate)
    throw BadInput("tls-cert",
                   text("'{}' has no certificate in PEM ({})", certificate_file, openssl_reason()));
  while (auto* const next = ssl.PEM_read_bio_X509(reader.get(), nullptr, nullptr, nullptr))
    identity.chain.push_back(shared(next));
  const auto& where = key_file.empty() ? certificate_file : key_file;
  identity.key = load_key(where, passphrase);
  if (ssl.X509_check_private_key(identity.certificate.get(), identity.key.get()) != 1)
    throw BadInput("tls-key",
                   text("the key in '{}' is not that of the certificate in '{}'", where, certificate_file));
  ssl.ERR_clear_error();
  return identity;
}

Identity make_certificate(const std::vector<std::string>& names) {
  const auto& ssl = OpenSsl::get();
  ssl.ERR_clear_error();
  Identity identity{
      shared(ssl.X509_new()), shared(ssl.EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")), {}};
  if (!identity.certificate || !identity.key) throw_openssl_error("EVP_PKEY_Q_keygen");
  sign(identity.certificate.get(), identity.key.get(), names);
  return identity;
}

std::vector<std::string> names_of_this_host() {
  std::vector<std::string> names{"localhost"};
  const auto add = [&](std::string name) {
    if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
  };
  std::array<char, HOST_NAME_MAX + 1> host{};
  if (gethostname(host.data(), host.size() - 1) == 0) add(host.data());
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return names;
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owned(list, freeifaddrs);
  for (const auto* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || (entry->ifa_flags & IFF_UP) == 0) continue;
    const int family = entry->ifa_addr->sa_family;
    if (!is_internet(family)) continue;
    const socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    add(Address(entry->ifa_addr, size).ntop());
  }
  return names;
}

std::string pin_of(const X509* certificate) {
  const auto& ssl = OpenSsl::get();
  unsigned char* key = nullptr;
  const int size = ssl.i2d_X509_PUBKEY(ssl.X509_get_X509_PUBKEY(certificate), &key);
  if (size < 0) throw_openssl_error("i2d_X509_PUBKEY");
  std::array<unsigned char, 32> digest;
  const int is_done = ssl.EVP_Q_digest(nullptr, "SHA256", nullptr, key, static_cast<std::size_t>(size),
                                       digest.data(), nullptr);
  ssl.CRYPTO_free(key, __FILE__, __LINE__);
  if (is_done != 1) throw_openssl_error("EVP_Q_digest");
  std::array<unsigned char, 48> base64;
  const int length = ssl.EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(digest.size()));
  return "sha256//" + std::string(base64.begin(), base64.begin() + length);
}

CertificateFacts facts_of(const X509* certificate) {
  const auto& ssl = OpenSsl::get();
  return {text_of(ssl.X509_get_subject_name(certificate)),
          text_of(ssl.X509_get_issuer_name(certificate)),
          alternative_names(certificate),
          text_of(ssl.X509_get0_notBefore(certificate)),
          text_of(ssl.X509_get0_notAfter(certificate)),
          pin_of(certificate)};
}

}  // namespace sockx

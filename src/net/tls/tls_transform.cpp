#include "net/tls/tls_transform.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/address/numeric_address.hpp"
#include "net/option/tcp_info.hpp"

namespace sockx {

namespace {

using State = IoResult::State;

/// Measured: 64 to 256 KiB a send(2) are the fastest. A MiB is slower, because it does not fit in the cache.
constexpr std::size_t most_collected = 256 * 1024;
constexpr std::size_t most_taken = 64 * 1024;          // bytes of plain text, in one write
constexpr std::size_t worth_a_buffer = 8 * 1024;       // of a write: more will follow
constexpr std::size_t most_kept = 16 * 1024;           // of memory, while nothing is unsent
constexpr std::size_t most_replies = 64 * 1024;        // bytes unsent
constexpr std::size_t most_without_data = 128 * 1024;  // bytes of the descriptor, in one read

/// What X509_VERIFY_PARAM_set1_host(3) and SNI have of a name: without the dot at its end.
std::string host_of(std::string name) {
  if (name.size() > 1 && name.ends_with('.')) name.pop_back();
  return name;
}

void expect_name(SSL* connection, const std::string& name) {
  const auto& ssl = OpenSsl::get();
  auto* const rules = ssl.SSL_get0_param(connection);
  if (const auto address = numeric_address(name)) {  // which has no SNI: RFC 6066, section 3
    if (ssl.X509_VERIFY_PARAM_set1_ip_asc(rules, address->ntop().c_str()) != 1)
      throw_openssl_error("X509_VERIFY_PARAM_set1_ip_asc");
    return;
  }
  const auto host = host_of(name);
  ssl.X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (ssl.X509_VERIFY_PARAM_set1_host(rules, host.data(), host.size()) != 1)
    throw_openssl_error("X509_VERIFY_PARAM_set1_host");
  auto words = host;
  if (ssl.SSL_ctrl(connection, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, words.data()) != 1)
    throw_openssl_error("SSL_set_tlsext_host_name");
}

/// RFC 8446, section 6.2: what SSL_alert_desc_string_long(3) does not know.
std::string name_of_alert(int alert) {
  if (alert == TLS13_AD_MISSING_EXTENSION) return "missing extension";
  if (alert == TLS13_AD_CERTIFICATE_REQUIRED) return "certificate required";
  const std::string name = OpenSsl::get().SSL_alert_desc_string_long(alert);
  return name == "unknown" ? text("{}", alert) : name;
}

/// Whether the error at the head of the queue says that the peer speaks something else than TLS.
bool is_plain_text(int reason) {
  return reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST ||
         reason == SSL_R_HTTPS_PROXY_REQUEST || reason == SSL_R_PACKET_LENGTH_TOO_LONG ||
         reason == SSL_R_RECORD_LENGTH_MISMATCH;
}

/// By the peer's kernel, since the connection began; nothing where ours does not tell.
std::optional<std::uint64_t> acknowledged_on(int socket) {
  std::array<char, tcp_info_size> bytes;
  socklen_t size = bytes.size();
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, bytes.data(), &size) != 0) return std::nullopt;
  return acknowledged_bytes({bytes.data(), size});
}

}  // namespace

TlsTransform::TlsTransform(RawEnd raw, std::shared_ptr<const TlsContext> context, std::string name)
    : raw_(std::move(raw)),
      context_(std::move(context)),
      name_(std::move(name)),
      state_{context_->options(), context_->keylog(), raw_.facts().fd} {
  if (raw_.facts().kind == Descriptor::Kind::tcp)
    acknowledged_before_ = acknowledged_on(raw_.facts().fd).value_or(0);
  const auto& ssl = OpenSsl::get();
  ssl.ERR_clear_error();
  ssl_.reset(ssl.SSL_new(context_->current().get()));
  auto* const wire = ssl.BIO_new(wire_method());
  if (!ssl_ || wire == nullptr) throw_openssl_error("SSL_new");
  ssl.BIO_set_data(wire, this);
  ssl.BIO_set_init(wire, 1);
  ssl.SSL_set_bio(ssl_.get(), wire, wire);  // which owns it now
  state_.belong_to(ssl_.get());
  const auto& options = context_->options();
  if (options.role == TlsOptions::Role::server) {
    ssl.SSL_set_accept_state(ssl_.get());
    return;
  }
  ssl.SSL_set_connect_state(ssl_.get());
  if (!options.name.empty()) expect_name(ssl_.get(), options.name);
}

const BIO_METHOD* TlsTransform::wire_method() {
  static const BIO_METHOD* const method = [] {
    const auto& ssl = OpenSsl::get();
    auto* const made = ssl.BIO_meth_new(BIO_TYPE_SOURCE_SINK, "sockx stream");
    if (made == nullptr) throw_openssl_error("BIO_meth_new");
    ssl.BIO_meth_set_read_ex(made, read_wire);
    ssl.BIO_meth_set_write_ex(made, write_wire);
    ssl.BIO_meth_set_ctrl(made, control_wire);
    return made;
  }();
  return method;
}

/// Nothing is thrown through OpenSSL: a failure is kept. The end is told as a failure too, because OpenSSL
/// would answer an end of its own accord, with an alert after which nothing can be written.
int TlsTransform::read_wire(BIO* bio, char* bytes, std::size_t size, std::size_t* got) {
  const auto& ssl = OpenSsl::get();
  auto& self = *static_cast<TlsTransform*>(ssl.BIO_get_data(bio));
  ssl.BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
  *got = 0;
  IoResult result;
  const bool is_enough =
      self.has_data_ && self.came_short_;  // what there is can be read without another call
  try {
    if (!is_enough) result = self.raw_.read(std::as_writable_bytes(std::span(bytes, size)));
  } catch (...) {
    self.state_.failure = std::current_exception();
    return 0;
  }
  self.came_short_ = result.bytes < size;
  self.has_wire_ended_ = result.state == State::eof;
  self.is_dry_ = result.state == State::again;
  if (self.is_dry_) ssl.BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY);
  self.without_data_ += result.bytes;
  *got = result.bytes;
  return result.bytes > 0 ? 1 : 0;
}

int TlsTransform::write_wire(BIO* bio, const char* bytes, std::size_t size, std::size_t* put) {
  const auto& ssl = OpenSsl::get();
  auto& self = *static_cast<TlsTransform*>(ssl.BIO_get_data(bio));
  ssl.BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
  *put = 0;
  try {
    if (!self.is_closed_) self.keep_for_sending(std::as_bytes(std::span(bytes, size)));
  } catch (...) {
    self.state_.failure = std::current_exception();
    return 0;
  }
  if (self.is_reading_) self.replies_ += size;
  *put = size;
  return 1;
}

long TlsTransform::control_wire(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

void TlsTransform::keep_for_sending(std::span<const std::byte> bytes) {
  out_.insert(out_.end(), bytes.begin(), bytes.end());
}

/// The kernel reports a reset once. A read after that finds an end.
IoResult TlsTransform::write_to_wire() {
  try {
    const auto put = raw_.write(std::span(out_).subspan(out_begin_));
    sent_ += put.bytes;
    return put;
  } catch (const Error&) {
    if (!broken_) broken_ = std::current_exception();
    std::rethrow_exception(broken_);  // the first failure is the reason
  }
}

void TlsTransform::note_failure(int error) {
  const auto& facts = raw_.facts();
  if (!broken_) broken_ = std::make_exception_ptr(Error(error, text("recv {}", facts.name), facts.origin));
}

/// Whether the peer's kernel has everything before our close_notify; known of TCP also after a reset.
bool TlsTransform::is_acknowledged() const {
  if (raw_.facts().kind != Descriptor::Kind::tcp) return sent_ >= before_end_;
  const auto acknowledged = acknowledged_on(raw_.facts().fd);
  return !acknowledged || *acknowledged >= acknowledged_before_ + before_end_;
}

/// A socket that takes less than it is given is full.
void TlsTransform::send() {
  while (unsent() > 0) {
    const auto given = unsent();
    const auto put = write_to_wire();
    out_begin_ += put.bytes;
    is_full_ = put.bytes < given;
    if (is_full_ && (put.state != State::moved || raw_.facts().is_socket())) return;
  }
  is_full_ = false;
  out_begin_ = replies_ = 0;
  if (out_.capacity() > most_kept)
    context_->spare_buffers().give(std::exchange(out_, std::vector<std::byte>()));
  else
    out_.clear();
}

TlsTransform::Step TlsTransform::handshake() {
  const auto& ssl = OpenSsl::get();
  if (unsent() > 0) send();
  if (unsent() > 0) return Step::wants_output;
  ssl.ERR_clear_error();
  const int result = ssl.SSL_do_handshake(ssl_.get());
  if (result == 1 && !state_.failure) {
    send();
    if (unsent() > 0) return Step::wants_output;
    is_shaking_ = false;
    const auto& options = context_->options();
    const bool has_protocol = options.alpn.empty() || !facts().alpn.empty();
    if (!has_protocol && options.role == TlsOptions::Role::client)
      throw TlsError(said(text("the server has chosen none of the protocols {}", joined(options.alpn))));
    return Step::done;
  }
  const bool wants_more = !state_.failure && ssl.SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ;
  if (!wants_more) {
    failure_ = failure_of("the handshake failed");
    try {
      send();  // the alert, as far as it goes
    } catch (const Error&) {
    }
    std::rethrow_exception(failure_);
  }
  send();
  return unsent() > 0 ? Step::wants_output : Step::wants_input;
}

IoResult TlsTransform::read(std::span<std::byte> buffer) {
  const auto& ssl = OpenSsl::get();
  std::size_t size = 0;
  came_short_ = false;
  is_reading_ = true;
  without_data_ = 0;
  while (size < buffer.size() && !has_peer_ended_ && !failure_) {
    has_data_ = size > 0;
    is_dry_ = false;
    std::size_t got = 0;
    ssl.ERR_clear_error();
    const auto room = buffer.subspan(size);
    const int result = ssl.SSL_read_ex(ssl_.get(), room.data(), room.size(), &got);
    size += got;
    if (result == 1) {
      without_data_ = 0;
      continue;
    }
    note_failed_read(result);
    if (is_dry_) break;
    const bool is_flood = replies_ > most_replies || without_data_ > most_without_data;
    if (is_flood && !failure_ && !has_peer_ended_)
      failure_ = std::make_exception_ptr(TlsError(said("the peer floods the connection with key updates")));
  }
  is_reading_ = has_data_ = false;
  if (size > 0) return {State::moved, size};
  if (failure_) std::rethrow_exception(failure_);
  return {has_peer_ended_ ? State::eof : State::again};
}

void TlsTransform::note_failed_read(int result) {
  if (!state_.failure) {
    const int why = OpenSsl::get().SSL_get_error(ssl_.get(), result);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return;
    if (why == SSL_ERROR_ZERO_RETURN || is_end_of_wire_an_end()) {
      has_peer_ended_ = true;
      return;
    }
  }
  failure_ = failure_of("the connection failed");
  try {
    send();  // an alert
  } catch (const Error&) {
  }
}

/// Whether the end of the descriptor is the peer's: where that is allowed, and not in the middle of a record.
bool TlsTransform::is_end_of_wire_an_end() const {
  const auto& ssl = OpenSsl::get();
  const std::string_view reading = ssl.SSL_rstate_string(ssl_.get());
  return has_wire_ended_ && !broken_ && context_->options().is_eof_lenient &&
         reading == "RH" &&  // "read header"
         ssl.SSL_has_pending(ssl_.get()) == 0;
}

IoResult TlsTransform::write(std::span<const std::byte> bytes) {
  const auto& ssl = OpenSsl::get();
  if (failure_) std::rethrow_exception(failure_);
  if (has_ended_) throw Error(EPIPE, text("send {}", raw_.facts().name), raw_.facts().origin);
  if (is_full_ || unsent() >= most_collected) send();
  if (is_full_) return {State::again};
  bytes = bytes.first(std::min(bytes.size(), most_taken));
  if (unsent() + bytes.size() >= worth_a_buffer && out_.capacity() < SpareBuffers::size) {
    auto buffer = context_->spare_buffers().take();
    buffer.assign(out_.begin(), out_.end());
    out_ = std::move(buffer);
  }
  std::size_t size = 0;
  while (size < bytes.size()) {
    std::size_t put = 0;
    ssl.ERR_clear_error();
    const auto rest = bytes.subspan(size);
    const int result = ssl.SSL_write_ex(ssl_.get(), rest.data(), rest.size(), &put);
    if (result != 1) {
      failure_ = failure_of("the connection failed");
      std::rethrow_exception(failure_);
    }
    size += put;
  }
  if (unsent() >= most_collected) send();
  return size > 0 ? IoResult{State::moved, size} : IoResult{State::again};
}

void TlsTransform::flush() { send(); }

void TlsTransform::finish() {
  if (std::exchange(has_ended_, true)) return;
  before_end_ = sent_ + unsent();
  const auto& ssl = OpenSsl::get();
  ssl.ERR_clear_error();
  if (!failure_ && !is_shaking_) ssl.SSL_shutdown(ssl_.get());
  ssl.ERR_clear_error();
  is_closed_ = true;
}

std::string TlsTransform::said(const std::string& what) const {
  const auto& presented = state_.presented;
  return text("TLS {}: {}{}", name_, what, presented ? text("; presented {}", presented->pin) : "");
}

std::exception_ptr TlsTransform::failure_of(const char* doing) {
  const auto& ssl = OpenSsl::get();
  if (state_.failure) return state_.failure;
  const auto failed = [this](const std::string& why) { return std::make_exception_ptr(TlsError(said(why))); };
  if (!state_.refusal.empty()) return failed(state_.refusal);
  if (has_wire_ended_ && broken_) return broken_;
  if (has_wire_ended_)
    return failed(is_shaking_ ? "the peer has closed the connection during the handshake"
                              : "the connection has ended without close_notify, so bytes may be missing");
  const auto error = ssl.ERR_peek_error();
  const int reason = ERR_GET_REASON(error);
  if (reason >= SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256)
    return failed(
        text("the peer has ended it with the alert '{}'", name_of_alert(reason - SSL_AD_REASON_OFFSET)));
  if (is_shaking_ && is_plain_text(reason))
    return failed(text("the peer does not speak TLS ({})", openssl_reason()));
  if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
    return failed("the peer has presented no certificate");
  return failed(text("{}: {}", doing, openssl_reason()));
}

TlsFacts TlsTransform::facts() const {
  const auto& ssl = OpenSsl::get();
  TlsFacts facts;
  facts.version = ssl.SSL_get_version(ssl_.get());
  facts.cipher = ssl.SSL_CIPHER_get_name(ssl.SSL_get_current_cipher(ssl_.get()));
  const unsigned char* alpn = nullptr;
  unsigned size = 0;
  ssl.SSL_get0_alpn_selected(ssl_.get(), &alpn, &size);
  if (size > 0) facts.alpn = escaped({reinterpret_cast<const char*>(alpn), size});
  const char* const server = ssl.SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
  if (server != nullptr) facts.server_name = escaped(server);
  if (state_.presented) facts.peer = *state_.presented;
  facts.verified_by = state_.verified_by;
  return facts;
}

}  // namespace sockx

// TlsTransform: turns the bytes of a stream into TLS records and back, by OpenSSL.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "flow/transform.hpp"
#include "net/tls/handshake_state.hpp"
#include "net/tls/tls_context.hpp"

namespace sockx {

/// OpenSSL reads from the descriptor, by a BIO of our own, and writes into memory, from where many records go
/// out by one send(2). Throws TlsError where the peer breaks the protocol or the connection ends without
/// close_notify, and what the descriptor throws. A failure of reading is final for both directions.
class TlsTransform : public Transform, NonCopyable {
 public:
  /// `name` is what messages call the peer.
  TlsTransform(RawEnd raw, std::shared_ptr<const TlsContext> context, std::string name);

  enum class Step { done, wants_input, wants_output };
  /// Goes on with the handshake as far as the descriptor lets it. No other function is called before it is
  /// done.
  Step handshake();
  /// Of the handshake that is done.
  TlsFacts facts() const;
  /// After a failed handshake: reads and drops what is on the descriptor.
  IoResult drop_wire(std::span<std::byte> buffer) { return raw_.read(buffer); }

  IoResult read(std::span<std::byte> buffer) override;
  IoResult write(std::span<const std::byte> bytes) override;
  bool is_holding() const override { return unsent() > 0; }
  void note_failure(int error) override;
  void flush() override;
  void finish() override;
  /// A peer that closes before it has read our close_notify resets the connection. That loses nothing if its
  /// kernel has acknowledged everything before that.
  bool is_over() const override { return has_peer_ended_ && has_ended_ && is_acknowledged(); }

 private:
  static int read_wire(BIO* bio, char* bytes, std::size_t size, std::size_t* got);
  static int write_wire(BIO* bio, const char* bytes, std::size_t size, std::size_t* put);
  static long control_wire(BIO* bio, int command, long number, void* pointer);
  static const BIO_METHOD* wire_method();

  std::size_t unsent() const { return out_.size() - out_begin_; }
  void keep_for_sending(std::span<const std::byte> bytes);
  IoResult write_to_wire();
  bool is_acknowledged() const;
  void send();
  void note_failed_read(int result);
  bool is_end_of_wire_an_end() const;
  std::exception_ptr failure_of(const char* doing);
  std::string said(const std::string& what) const;

  RawEnd raw_;
  std::shared_ptr<const TlsContext> context_;
  std::string name_;
  HandshakeState state_;
  OwnedBy<SSL, &OpenSsl::SSL_free> ssl_;

  std::vector<std::byte> out_;  // ciphertext; what is before out_begin_ has been sent
  std::size_t out_begin_ = 0;
  std::size_t replies_ = 0;       // bytes of it that reading has caused
  std::size_t without_data_ = 0;  // bytes from the descriptor, since SSL_read has last given some
  bool is_full_ = false;          // the descriptor has taken less than it was given

  std::uint64_t sent_ = 0;                 // bytes of ciphertext
  std::uint64_t before_end_ = 0;           // of those and the unsent ones, the ones before close_notify
  std::uint64_t acknowledged_before_ = 0;  // bytes, of what was sent before TLS

  bool is_reading_ = false;      // SSL_read is under way
  bool has_data_ = false;        // and the reader has some already
  bool came_short_ = false;      // and the descriptor gave less than was asked for
  bool is_dry_ = false;          // what OpenSSL was told last: there is nothing more now
  bool is_shaking_ = true;       // hands
  bool has_wire_ended_ = false;  // the descriptor's end
  bool has_peer_ended_ = false, has_ended_ = false, is_closed_ = false;
  std::exception_ptr failure_;  // of reading
  std::exception_ptr broken_;   // the first failure of the descriptor that reading has not met
};

}  // namespace sockx

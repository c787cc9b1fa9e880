// Transport: what a conversation of a test goes over, so that one test is about a plain connection and about
// TLS. Connected: a sockx and a peer that speak over it.
#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "certificates.hpp"
#include "peer.hpp"
#include "secure_channel.hpp"
#include "sockx.hpp"

namespace test {

class Transport {
 public:
  enum class Kind { plain, tls12, tls13 };

  Transport(Kind kind) : kind_(kind) {
    if (kind == Kind::plain) return;
    trust_ = std::make_shared<Trust>(kind == Kind::tls12 ? TLS1_2_VERSION : TLS1_3_VERSION);
  }

  bool is_secured() const { return trust_ != nullptr; }
  /// What sockx is told, as the listener or as whoever connects.
  std::vector<std::string> words(bool listens) const {
    if (!is_secured()) return {};
    const auto& files = trust_->files;
    if (listens) return {"--tls", "--tls-cert", files.certificate, "--tls-key", files.key};
    return {"--tls", "--tls-ca", trust_->authority.file()};
  }
  /// The peer that has connected to sockx, or has accepted its connection; does the handshake.
  Peer joined(Peer peer, bool has_accepted) const {
    if (is_secured())
      peer.go_through(std::make_unique<SecureChannel>(
          peer.fd(), has_accepted ? trust_->server : trust_->client, has_accepted));
    return peer;
  }
  Peer accepted_by(HeldPort& listener) const { return joined(listener.accept(), true); }
  Peer connected_to(const std::string& port) const { return joined(Peer::connect(port), false); }

  /// So many bytes of a stream are in these records.
  std::size_t content_of(const std::string& records) const {
    if (!is_secured()) return records.size();
    const std::size_t head = 5, added = kind_ == Kind::tls12 ? 24 : 17;  // by AES-GCM
    std::size_t content = 0;
    for (std::size_t at = 0; at + head <= records.size();) {
      const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(records[at + i]); };
      const std::size_t size = byte(3) * 256U + byte(4);
      at += head + size;
      if (at <= records.size()) content += size - added;
    }
    return content;
  }

  friend std::ostream& operator<<(std::ostream& stream, const Transport& transport) {
    static constexpr const char* names[]{"plain", "TLS 1.2", "TLS 1.3"};
    return stream << names[static_cast<int>(transport.kind_)];
  }

 private:
  struct Trust {
    explicit Trust(long version)
        : identity(sockx::load_identity(files.certificate, files.key, nullptr)),
          server(ssl_context(&identity, version)),
          client(ssl_context(nullptr, version)) {}
    Authority authority{"the authority"};
    CertificateFiles files = authority.sign();
    sockx::Identity identity;
    SslContext server, client;
  };

  Kind kind_;
  std::shared_ptr<const Trust> trust_;
};

/// The ones for what differs between the versions, and the ones for everything else.
inline const std::vector<Transport::Kind> every_transport{Transport::Kind::plain, Transport::Kind::tls12,
                                                          Transport::Kind::tls13},
    plain_and_secured{Transport::Kind::plain, Transport::Kind::tls13};

/// A sockx, and a peer that it has connected to or that has connected to it.
struct Connected {
  PeerListener listener;
  Process ours;
  Peer peer;

  Connected(const Transport& over, const std::string& command, const std::vector<std::string>& words = {},
            const Process::Options& options = {Stdio::pipe()},
            const std::vector<std::string>& before_command = {})
      : ours(sockx(before_command) +
                 std::vector<std::string>{command, "127.0.0.1", command == "listen" ? "0" : listener.port()} +
                 over.words(command == "listen") + words,
             options),
        peer(command == "listen" ? over.connected_to(port_of(ours)) : over.accepted_by(listener)) {}

  std::string where() const { return "127.0.0.1:" + listener.port(); }
};

inline void check_is_reset(const Peer& peer) {
  eventually("the connection is reset", [&] { return peer.is_reset(); });
}

inline const std::vector<std::string> either_command{"connect", "listen"};

}  // namespace test

// Peer: a plain blocking socket of the test's own, for peers that behave as no program would.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "os/unique_fd.hpp"

namespace test {

using sockx::UniqueFd;

class Peer {
 public:
  /// To a listener on the loopback.
  static Peer connect(const std::string& port) {
    Peer peer(UniqueFd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
    const auto address = loopback(static_cast<std::uint16_t>(std::stoi(port)));
    check(::connect(peer.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect");
    return peer;
  }
  explicit Peer(UniqueFd fd) : fd_(std::move(fd)) {
    check(fd_.get(), "socket");
    const timeval limit{20, 0};  // a test that waits for ever says nothing
    check(setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), "SO_RCVTIMEO");
    check(setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit), "SO_SNDTIMEO");
  }

  int fd() const { return fd_.get(); }
  void send(const std::string& bytes) {
    for (std::size_t done = 0; done < bytes.size();) {
      const auto put = ::send(fd(), bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
      check(put, "send");
      done += static_cast<std::size_t>(put);
    }
  }
  /// Exactly so many bytes, unless the end comes first.
  std::string receive(std::size_t size) {
    std::string bytes(size, '\0');
    std::size_t done = 0;
    while (done < size) {
      const auto got = recv(fd(), bytes.data() + done, size - done, 0);
      check(got, "recv");
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    bytes.resize(done);
    return bytes;
  }
  /// Until the end, which must not be a reset.
  std::string receive_all() {
    std::string all;
    for (;;) {
      const auto part = receive(64 * 1024);
      all += part;
      if (part.size() < 64 * 1024) return all;
    }
  }
  /// Whether the connection ends by a reset; what comes before is dropped.
  bool ends_by_reset() {
    try {
      receive_all();
      return false;
    } catch (const std::system_error& error) {
      return error.code().value() == ECONNRESET;
    }
  }
  /// Our end. Whoever has reset the connection meanwhile does not hear it; receiving tells.
  void finish() {
    if (shutdown(fd(), SHUT_WR) != 0 && errno != ENOTCONN) check(-1, "shutdown");
  }
  void close() { fd_.reset(); }
  void reset() {
    const linger at_once{1, 0};
    check(setsockopt(fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), "SO_LINGER");
    close();
  }

  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  static void check(ssize_t result, const char* call) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), call);
  }

 private:
  UniqueFd fd_;
};

/// A port of the loopback, chosen by the kernel and held, where nobody listens yet.
class HeldPort {
 public:
  HeldPort() : socket_(UniqueFd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))) {
    auto address = Peer::loopback(0);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    Peer::check(bind(socket_.fd(), generic, size), "bind");
    Peer::check(getsockname(socket_.fd(), generic, &size), "getsockname");
    port_ = std::to_string(ntohs(address.sin_port));
  }
  const std::string& port() const { return port_; }
  int fd() const { return socket_.fd(); }
  HeldPort& listen_now(int backlog = 16) {
    Peer::check(listen(socket_.fd(), backlog), "listen");
    return *this;
  }
  Peer accept() { return Peer(UniqueFd(accept4(socket_.fd(), nullptr, nullptr, SOCK_CLOEXEC))); }

 private:
  Peer socket_;
  std::string port_;
};

/// The same, where the test listens.
class PeerListener : public HeldPort {
 public:
  explicit PeerListener(int backlog = 16) { listen_now(backlog); }
};

}  // namespace test

// Peer: a blocking socket of the test's own, plain or secured, for peers that behave as no program would.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "os/unique_fd.hpp"

namespace test {

using sockx::UniqueFd;

class Peer {
 public:
  /// What the bytes of a connection go through when they do not go as they are: see secure_channel.hpp.
  struct Channel {
    virtual ~Channel() = default;
    virtual void send(const std::string& bytes) = 0;
    /// 0 is the other end's end.
    virtual std::size_t receive(char* bytes, std::size_t size) = 0;
    /// Tells the other end of ours.
    virtual void end() = 0;
  };

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
  /// From now on all goes through `channel`, which uses the same descriptor.
  void go_through(std::unique_ptr<Channel> channel) { channel_ = std::move(channel); }
  void send(const std::string& bytes) {
    if (channel_) return channel_->send(bytes);
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
      const auto got = receive_some(bytes.data() + done, size - done);
      if (got == 0) break;
      done += got;
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
  /// Whether the other end has reset the connection, as long as no other call has told of it.
  bool is_reset() const {
    pollfd entry{fd(), 0, 0};
    check(poll(&entry, 1, 0), "poll");
    return (entry.revents & POLLERR) != 0;
  }
  /// Our end. Whoever has reset the connection meanwhile does not hear it; receiving tells.
  void finish() {
    if (channel_) channel_->end();
    if (shutdown(fd(), SHUT_WR) != 0 && errno != ENOTCONN) check(-1, "shutdown");
  }
  /// A secured peer says its end before; a peer that is dropped does not.
  void close() {
    if (channel_) channel_->end();
    cut();
  }
  /// The end of the connection without a word.
  void cut() {
    channel_.reset();
    fd_.reset();
  }
  void reset() {
    const linger at_once{1, 0};
    check(setsockopt(fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), "SO_LINGER");
    cut();
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
  std::size_t receive_some(char* bytes, std::size_t size) {
    if (channel_) return channel_->receive(bytes, size);
    const auto got = recv(fd(), bytes, size, 0);
    check(got, "recv");
    return static_cast<std::size_t>(got);
  }

  UniqueFd fd_;
  std::unique_ptr<Channel> channel_;
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

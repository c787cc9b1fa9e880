// DatagramPeer: a plain blocking datagram socket of the test's own, and a sockx that listens for it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "peer.hpp"
#include "sockx.hpp"

namespace test {

class DatagramPeer {
 public:
  /// Bound to a port of the kernel's choice on the loopback of that family.
  explicit DatagramPeer(int family = AF_INET)
      : family_(family), fd_(UniqueFd(socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0))) {
    REQUIRE(fd_);
    const timeval limit{20, 0};  // a test that waits for ever says nothing
    setsockopt(fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    const int queue = 8 * 1024 * 1024;
    setsockopt(fd(), SOL_SOCKET, SO_RCVBUF, &queue, sizeof queue);
    const auto [address, size] = loopback(0);
    REQUIRE(bind(fd(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
  }

  int fd() const { return fd_.get(); }
  std::string port() const { return std::to_string(ntohs(name().sin6_port)); }  // at the same place in both
  std::string host() const { return family_ == AF_INET ? "127.0.0.1" : "::1"; }

  void send(const std::string& bytes, const std::string& port) {
    const auto [address, size] = loopback(static_cast<std::uint16_t>(std::stoi(port)));
    const auto put =
        sendto(fd(), bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&address), size);
    REQUIRE(put == static_cast<ssize_t>(bytes.size()));
  }
  struct Received {
    std::string bytes, port;
  };
  Received receive() {
    std::string bytes(70'000, '\0');
    sockaddr_in6 source{};
    socklen_t size = sizeof source;
    const auto got =
        recvfrom(fd(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&source), &size);
    REQUIRE_MESSAGE(got >= 0, "no datagram came");
    bytes.resize(static_cast<std::size_t>(got));
    return {bytes, std::to_string(ntohs(source.sin6_port))};
  }
  std::vector<std::string> receive(std::size_t count) {
    std::vector<std::string> all;
    while (all.size() < count) all.push_back(receive().bytes);
    return all;
  }
  /// Whether something waits to be received.
  bool has_more() const {
    char byte = 0;
    return recv(fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
  }

 private:
  std::pair<sockaddr_in6, socklen_t> loopback(std::uint16_t port) const {
    sockaddr_in6 address{};
    address.sin6_family = static_cast<sa_family_t>(family_);
    address.sin6_port = htons(port);
    if (family_ == AF_INET6) {
      address.sin6_addr = IN6ADDR_LOOPBACK_INIT;
      return {address, sizeof address};
    }
    auto& v4 = reinterpret_cast<sockaddr_in&>(address);
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return {address, sizeof(sockaddr_in)};
  }
  sockaddr_in6 name() const {
    sockaddr_in6 address{};
    socklen_t size = sizeof address;
    getsockname(fd(), reinterpret_cast<sockaddr*>(&address), &size);
    return address;
  }
  int family_;
  UniqueFd fd_;
};

/// The port on which a program receives datagrams, as soon as it does.
inline std::string udp_port_of(const Process& process) {
  constexpr std::string_view unconnected = "07";  // as /proc writes it
  std::string found;
  eventually(process.command() + "receives", [&] {
    found = port_in_state(process, unconnected, {"/net/udp", "/net/udp6"});
    return !found.empty() && found != "0";
  });
  return found;
}

/// sockx udp --listen on a port of the kernel's choice, for every address unless the words say another.
class UdpListener {
 public:
  explicit UdpListener(const std::vector<std::string>& words,
                       const Process::Options& options = {Stdio::pipe()},
                       const std::vector<std::string>& endpoint = {"0"})
      : process_(sockx({"udp", "--listen", "--port-file", folder_ / "port"}) + words + endpoint, options),
        port_(port_in(folder_ / "port")) {}
  Process& process() { return process_; }
  const std::string& port() const { return port_; }

 private:
  Folder folder_;
  Process process_;
  std::string port_;
};

}  // namespace test

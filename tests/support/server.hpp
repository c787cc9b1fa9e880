// A server under test, and its clients of every family.
#pragma once

#include <signal.h>
#include <sys/un.h>

#include <cstring>

#include "events.hpp"
#include "peer.hpp"
#include "sockx.hpp"

namespace test {

/// A client of "127.0.0.1:PORT", "[::1]:PORT" or "unix:PATH".
inline Peer connect_to(const std::string& endpoint) {
  sockaddr_storage storage{};
  const auto use = [&](const auto& address) {
    memcpy(&storage, &address, sizeof address);
    return static_cast<socklen_t>(sizeof address);
  };
  socklen_t size = 0;
  if (endpoint.starts_with("unix:")) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    endpoint.copy(address.sun_path, sizeof address.sun_path - 1, 5);
    size = use(address);
  } else {
    const auto port = static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1)));
    if (endpoint.starts_with('[')) {
      sockaddr_in6 address{};
      address.sin6_family = AF_INET6;
      address.sin6_port = htons(port);
      address.sin6_addr = in6addr_loopback;
      size = use(address);
    } else {
      size = use(Peer::loopback(port));
    }
  }
  Peer peer(UniqueFd(socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0)));
  Peer::check(connect(peer.fd(), reinterpret_cast<const sockaddr*>(&storage), size), "connect");
  return peer;
}

/// The port from which it has connected.
inline std::string port_of(const Peer& peer) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  Peer::check(getsockname(peer.fd(), reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
  return std::to_string(ntohs(address.sin_port));
}

/// `sockx listen`, or another command, with these words: by default on a port of 127.0.0.1, and with events
/// on standard output.
class Server {
 public:
  explicit Server(const std::vector<std::string>& words, const std::string& endpoint = "127.0.0.1:0",
                  const std::vector<std::string>& before = {}, const Process::Options& options = {},
                  const std::string& command = "listen")
      : process(before + sockx({"--json", command}) + words_with(words, endpoint), options) {
    const auto listening = event("listening");
    endpoint_ = listening.at("address");
    descriptors_ = process.open_descriptors();
  }

  const std::string& endpoint() const { return endpoint_; }
  std::string port() const { return endpoint_.substr(endpoint_.rfind(':') + 1); }
  Peer connect() const { return connect_to(endpoint_); }

  /// The next event of that name.
  json event(const std::string& name) { return json::parse(process.out_line("\"event\":\"" + name + "\"")); }
  /// Until the server holds nothing for any client: no descriptor, no child, not even a dead one.
  void wait_until_free() {
    const auto pid = std::to_string(process.pid());
    eventually("the server is free again", [&] {
      return process.open_descriptors() == descriptors_ &&
             read_file("/proc/" + pid + "/task/" + pid + "/children").empty();
    });
  }
  std::size_t idle_descriptors() const { return descriptors_; }
  /// Ends it as a supervisor does.
  void stop() {
    process.signal(SIGTERM);
    check_end(process, killed_by(SIGTERM));
  }

  Process process;

 private:
  /// What follows `--` are the words of a program.
  static std::vector<std::string> words_with(std::vector<std::string> words, const std::string& endpoint) {
    words.insert(std::find(words.begin(), words.end(), "--"), endpoint);
    return words;
  }
  std::string endpoint_;
  std::size_t descriptors_ = 0;
};

/// One message there and back.
inline void check_echo(Peer& peer, const std::string& message) {
  peer.send(message);
  CHECK(peer.receive(message.size()) == message);
}

/// Whether nothing has come to the peer so far, not even an end.
inline bool has_nothing_to_receive(const Peer& peer) {
  char byte;
  return recv(peer.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

/// What tests/bench/load.c makes of these words; it compares every byte.
inline void check_load(const Server& server, const std::string& kind, unsigned connections, unsigned count,
                       unsigned size = 64) {
  const auto program = tested_build() + "/tests/bench/load";
  Process load({program, kind, "127.0.0.1", server.port(), std::to_string(connections), std::to_string(count),
                std::to_string(size)});
  const auto end = load.wait(std::chrono::seconds(300));
  CHECK_MESSAGE(end == exited(0), load.command(), load.err());
}

}  // namespace test

// Talker: a client of a server, which remembers what it has heard.
#pragma once

#include <poll.h>

#include <stdexcept>
#include <string>

#include "peer.hpp"
#include "sockx.hpp"

namespace test {

class Talker {
 public:
  explicit Talker(const std::string& port) : peer_(Peer::connect(port)) {}

  Peer& peer() { return peer_; }
  void say(const std::string& bytes) { peer_.send(bytes); }
  void finish() { peer_.finish(); }

  /// Up to and with the first line that contains `words` and has not been told yet: that line.
  std::string hear(const std::string& words) {
    for (;;) {
      const auto found = heard_.find(words, told_);
      const auto end = found == std::string::npos ? found : heard_.find('\n', found);
      if (end != std::string::npos) {
        const auto begin = heard_.rfind('\n', found) + 1;
        told_ = end + 1;
        return heard_.substr(begin, end - begin);
      }
      if (!hear_some()) throw std::runtime_error("the end came before: " + words + "\nheard: " + heard_);
    }
  }
  /// Everything, to the end, which must not be a reset.
  const std::string& hear_all() {
    while (hear_some()) continue;
    return heard_;
  }
  void hear_bytes(std::size_t size) {
    while (heard_.size() < size)
      if (!hear_some())
        throw std::runtime_error("the end came after " + std::to_string(heard_.size()) + " bytes");
  }
  bool hears_something_now() const {
    pollfd entry{peer_.fd(), POLLIN, 0};
    return poll(&entry, 1, 0) > 0;
  }
  bool hear_some() {
    char buffer[64 * 1024];
    const auto got = recv(peer_.fd(), buffer, sizeof buffer, 0);
    Peer::check(got, "recv");
    heard_.append(buffer, static_cast<std::size_t>(got));
    return got > 0;
  }
  const std::string& heard() const { return heard_; }
  /// The port of its end, by which the server knows it.
  std::string port() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    Peer::check(getsockname(peer_.fd(), reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
    return std::to_string(ntohs(address.sin_port));
  }
  std::string name() const { return "127.0.0.1:" + port(); }

 private:
  Peer peer_;
  std::string heard_;
  std::size_t told_ = 0;
};

}  // namespace test

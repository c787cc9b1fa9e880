#include "datagram/unix_replies.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <memory>
#include <string>
#include <vector>

#include "net/socket.hpp"
#include "os/text.hpp"

using namespace sockx;

namespace {

/// A socket with a name of the kernel's choice.
struct Named {
  Named() : socket(Socket::open(AF_UNIX, SOCK_DGRAM, 0)) {
    sockaddr family{};
    family.sa_family = AF_UNIX;
    socket.bind({&family, sizeof family.sa_family});
  }
  /// How many datagrams wait, which this takes.
  std::size_t take_all() const {
    char byte = 0;
    std::size_t count = 0;
    while (recv(socket.fd(), &byte, 1, MSG_DONTWAIT) >= 0) ++count;
    return count;
  }
  Socket socket;
};

/// A server with a small send buffer, and peers that are connected to it: for them the kernel has no queue
/// limit.
struct DeafPeers {
  explicit DeafPeers(std::size_t count) : peers(count) {
    const int size = 128 * 1024;
    setsockopt(server.socket.fd(), SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    for (auto& peer : peers) peer.socket.connect(server.socket.local());
    UnixReplies::Options options{0, [](int, const OutgoingDatagram&) { return false; },
                                 [this](const Address&) { ++deaf; }};
    replies = std::make_unique<UnixReplies>(server.socket.described("server"), options, sent, dropped);
  }
  void put(std::size_t peer, std::size_t size) {
    replies->put(std::vector<std::byte>(size), peers[peer].socket.local());
  }
  /// Ends because what cannot be sent is dropped after a while.
  void finish() const {
    while (replies->is_waiting()) replies->retry();
  }
  Named server;
  std::vector<Named> peers;
  DatagramCount sent;
  std::uint64_t dropped = 0;
  int deaf = 0;
  std::unique_ptr<UnixReplies> replies;
};

}  // namespace

TEST_CASE("UnixReplies: a peer that does not read has its share, and others are answered at once") {
  DeafPeers scene(2);
  for (int i = 0; i < 20'000; ++i) scene.put(0, 1000);
  for (int i = 0; i < 1000; ++i) {
    scene.put(1, 1000);
    REQUIRE(scene.peers[1].take_all() == 1);
  }
  scene.finish();
  CHECK(scene.deaf == 1);
  scene.put(0, 1000);  // at once nothing
  CHECK_FALSE(scene.replies->is_waiting());
  const auto has = scene.peers[0].take_all();
  CHECK(has >= 1);
  CHECK(has * 1000 < 64 * 1024);
  CHECK(scene.sent.datagrams == has + 1000);
  CHECK(scene.dropped == 20'001 - has);
  // It has read, and so it is answered again.
  scene.put(0, 1000);
  CHECK(scene.peers[0].take_all() == 1);
  CHECK(scene.dropped == 20'001 - has);
}

TEST_CASE("UnixReplies: several that do not read do not keep one that does from its answers") {
  DeafPeers scene(5);
  for (int i = 0; i < 1000; ++i)
    for (std::size_t peer = 0; peer < 4; ++peer) scene.put(peer, 200 + 100 * peer);
  scene.finish();
  CHECK(scene.deaf == 4);
  const auto dropped = scene.dropped;
  for (int i = 0; i < 10'000; ++i) {
    scene.put(4, 500);
    REQUIRE(scene.peers[4].take_all() == 1);
  }
  CHECK(scene.dropped == dropped);
  for (std::size_t peer = 0; peer < 4; ++peer) CHECK(scene.peers[peer].take_all() > 0);
  for (std::size_t peer = 0; peer < 4; ++peer) {
    scene.put(peer, 100);
    CHECK(scene.peers[peer].take_all() == 1);
  }
}

TEST_CASE("UnixReplies: what has waited is sent in order to a peer that reads late") {
  DeafPeers scene(1);
  for (std::size_t size = 1; size <= 200; ++size) scene.put(0, size * 10);
  CHECK(scene.replies->is_waiting());
  std::vector<std::byte> buffer(10'000);
  for (std::size_t size = 1; size <= 200; ++size) {
    auto got = recv(scene.peers[0].socket.fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0) {
      scene.replies->retry();
      got = recv(scene.peers[0].socket.fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    }
    REQUIRE(got == static_cast<ssize_t>(size * 10));
  }
  CHECK(scene.dropped == 0);
  CHECK_FALSE(scene.replies->is_waiting());
}

TEST_CASE("UnixReplies: what waits is bounded, for a peer and in all") {
  DeafPeers scene(40);
  for (std::size_t peer = 0; peer < scene.peers.size(); ++peer)
    for (int i = 0; i < 200; ++i) scene.put(peer, 20'000);
  CHECK(scene.dropped >= 40 * 200 - (17 << 20) / 20'000);
}

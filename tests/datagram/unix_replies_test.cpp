#include "datagram/unix_replies.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <memory>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "net/socket.hpp"

using namespace sockx;
using namespace std::chrono_literals;

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

/// A server with a small send buffer, and peers. For those that are connected to it the kernel has no queue
/// limit; for the others it is net.unix.max_dgram_qlen.
struct DeafPeers {
  explicit DeafPeers(std::size_t count, bool are_connected = true) : peers(count) {
    const int size = 128 * 1024;
    setsockopt(server.socket.fd(), SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    if (are_connected)
      for (auto& peer : peers) peer.socket.connect(server.socket.local());
    UnixReplies::Options options{0, [](int, const OutgoingDatagram&) { return false; },
                                 [this](const Address&) { ++deaf; }};
    replies = std::make_unique<UnixReplies>(server.socket.described("server"), options, sent, dropped);
  }
  void put(std::size_t peer, std::size_t size) {
    replies->put(std::vector<std::byte>(size), peers[peer].socket.local());
  }
  /// A datagram to a peer that reads it as soon as it comes, which takes no more than a trial.
  void put_and_take(std::size_t peer, std::size_t size) {
    put(peer, size);
    const auto limit = after(60s);
    auto count = peers[peer].take_all();
    for (; count == 0 && Clock::now() < limit; count = peers[peer].take_all()) replies->retry();
    REQUIRE(count == 1);
  }
  /// Ends because what cannot be sent is dropped after a while.
  void finish() const {
    const auto limit = after(60s);
    while (replies->is_waiting() && Clock::now() < limit) replies->retry();
    REQUIRE_FALSE(replies->is_waiting());
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
  for (int i = 0; i < 100; ++i) scene.put_and_take(1, 1000);  // until it is known to read
  for (int i = 0; i < 900; ++i) {
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
  for (int i = 0; i < 100; ++i) scene.put_and_take(4, 500);
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

TEST_CASE("UnixReplies: a peer whose queue stays full is given up, and others get everything") {
  DeafPeers scene(2, false);
  for (int i = 0; i < 30; ++i) {
    scene.put(0, 10);
    scene.put_and_take(1, 10);
    scene.finish();
  }
  CHECK(scene.deaf >= 1);
  const auto has = scene.peers[0].take_all();
  CHECK(has >= 1);
  CHECK(scene.sent.datagrams == has + 30);
  CHECK(scene.dropped == 30 - has);
  // It has read, and so it is answered again.
  scene.put(0, 10);
  CHECK(scene.peers[0].take_all() == 1);
}

TEST_CASE("UnixReplies: what waits for a peer whose queue was full is sent in order when it reads") {
  DeafPeers scene(1, false);
  for (std::size_t size = 1; size <= 50; ++size) scene.put(0, size);
  std::vector<std::byte> buffer(100);
  for (std::size_t size = 1; size <= 50; ++size) {
    REQUIRE(recv(scene.peers[0].socket.fd(), buffer.data(), buffer.size(), MSG_DONTWAIT) ==
            static_cast<ssize_t>(size));
    scene.replies->retry();
  }
  CHECK(scene.dropped == 0);
  CHECK_FALSE(scene.replies->is_waiting());
}

TEST_CASE("UnixReplies: many that do not read leave room for one that comes later") {
  DeafPeers scene(13);
  for (int i = 0; i < 10; ++i)
    for (std::size_t peer = 0; peer < 12; ++peer) scene.put(peer, 2500);
  scene.finish();
  CHECK(scene.deaf == 12);
  for (int i = 0; i < 1000; ++i) scene.put_and_take(12, 2500);
}

TEST_CASE("UnixReplies: any number that do not read leave room for one that is known to read") {
  DeafPeers scene(300);
  for (int i = 0; i < 2; ++i) scene.put_and_take(299, 100);
  for (int i = 0; i < 10; ++i)
    for (std::size_t peer = 0; peer < 299; ++peer) scene.put(peer, 2500);
  scene.finish();
  CHECK(scene.deaf == 299);
  for (int i = 0; i < 1000; ++i) scene.put_and_take(299, 20'000);
  // Nor is it forgotten that it reads, however many names there are.
  for (int i = 0; i < 10'000; ++i)
    scene.replies->put({}, Address::unix_name("@sockx-nobody-" + std::to_string(i)));
  for (int i = 0; i < 10; ++i) scene.put_and_take(299, 20'000);
}

TEST_CASE("UnixReplies: a peer that reads gets all of the long datagrams that another does not read") {
  for (const std::size_t reader : {0, 1, 6, 12}) {
    DeafPeers scene(reader < 2 ? 2 : 13);
    std::size_t got = 0;
    for (int i = 0; i < 200; ++i) {
      for (std::size_t peer = 0; peer < scene.peers.size(); ++peer) scene.put(peer, 3000);
      const auto limit = after(60s);
      do {
        got += scene.peers[reader].take_all();
        scene.replies->retry();
      } while (scene.replies->is_waiting() && Clock::now() < limit);
    }
    got += scene.peers[reader].take_all();
    CHECK(got == 200);
    CHECK(scene.deaf >= static_cast<int>(scene.peers.size()) - 1);
  }
}

TEST_CASE("UnixReplies: any number of long datagrams that are not read leave room for short first answers") {
  DeafPeers scene(100);
  for (std::size_t peer = 0; peer < 60; ++peer) scene.put(peer, 20'000);
  for (std::size_t peer = 60; peer < 100; ++peer) {
    scene.put(peer, 2);
    CHECK(scene.peers[peer].take_all() == 1);
  }
  scene.finish();
  CHECK(scene.deaf > 30);
  for (int i = 0; i < 2; ++i) scene.put_and_take(60, 2);
  scene.put_and_take(60, 20'000);  // it is known to read
}

TEST_CASE("UnixReplies: a peer that has read is answered, though others have filled their part") {
  DeafPeers scene(60);
  for (std::size_t peer = 0; peer < 60; ++peer) scene.put(peer, 20'000);
  scene.finish();
  REQUIRE(scene.peers[0].take_all() == 1);
  scene.put_and_take(0, 5);
  // It had not been sent anything.
  REQUIRE(scene.peers[59].take_all() == 0);
  scene.put_and_take(59, 5);
}

TEST_CASE("UnixReplies: a peer that has read while it waited in vain is answered") {
  DeafPeers scene(12);
  for (int i = 0; i < 10; ++i)
    for (std::size_t peer = 0; peer < 12; ++peer) scene.put(peer, 20'000);
  const auto limit = after(60s);
  while (scene.replies->is_waiting() && Clock::now() < limit) {
    scene.peers[0].take_all();
    scene.replies->retry();
  }
  scene.peers[0].take_all();
  scene.put_and_take(0, 5);
}

TEST_CASE("UnixReplies: a peer that empties its full queue is answered, though more is in use than before") {
  DeafPeers scene(40, false);
  for (int i = 0; i < 15; ++i) scene.put(0, 10);
  scene.finish();
  REQUIRE(scene.deaf == 1);
  for (std::size_t peer = 1; peer < 40; ++peer) scene.put(peer, 400);
  REQUIRE(scene.peers[0].take_all() > 0);
  scene.put(0, 10);
  CHECK(scene.peers[0].take_all() == 1);
}

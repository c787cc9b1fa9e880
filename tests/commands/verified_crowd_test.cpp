// recv-file --verified --keep-open among many senders, some of them hostile: what each costs, and that the
// others are served.
#include <signal.h>

#include <list>

#include "../support/peer.hpp"
#include "../support/sockx.hpp"
#include "../support/subject.hpp"
#include "base/text.hpp"
#include "transfer/verified/compression.hpp"
#include "transfer/verified/wire.hpp"

namespace test {

namespace {

using Words = std::vector<std::string>;

Words crowd_receiver(const Folder& there) {
  return sockx(
      {"recv-file", "--verified", "--keep-open", "--quiet", "--output-dir", there.path(), "127.0.0.1", "0"});
}
Words with_descriptors(int most, const Words& words) {
  return Words{"sh", "-c", "ulimit -n " + std::to_string(most) + "; exec \"$@\"", "sh"} + words;
}

/// A sender that has greeted, and says what it likes from there on.
Peer greeted(const std::string& port, std::uint16_t streams = 1) {
  using namespace sockx;
  auto peer = Peer::connect(port);
  Hello hello;
  hello.streams = streams;
  peer.send(encode(hello));
  const auto welcome = encode(Welcome());
  REQUIRE(peer.receive(welcome.size()) == welcome);
  return peer;
}

std::string entry(std::uint32_t id, const std::string& name, std::uint64_t size) {
  using namespace sockx;
  return encode(Entry{id, EntryKind::file, 0644, 0, 0, size, name});
}

void check_served(const std::string& port, const Folder& there, const std::string& name) {
  const Folder here;
  const auto content = noise(3'000'000);
  Process sender(sockx({"send-file", "--verified", write_file(here / name, content), "127.0.0.1:" + port}));
  check_end(sender, exited(0));
  CHECK(difference(read_file(there / name), content) == "");
}

/// KiB for each of so many.
double cost_of(const Process& receiver, std::size_t before, std::size_t count) {
  const auto cost = static_cast<double>(receiver.peak_memory() - before) / static_cast<double>(count);
  MESSAGE(cost, " KiB each");
  return cost;
}

}  // namespace

TEST_CASE("verified --keep-open: a sender that is silent costs little, wherever it has fallen silent") {
  constexpr std::size_t count = 100;
  const std::pair<std::string, std::string> words[]{
      {"after the greeting", ""},
      {"in a message", "s"},
      {"in a long message", entry(0, std::string(4000, 'n'), 0).substr(0, 3000)},
      {"before a chunk", entry(0, "../refused", 100)},
  };
  for (const auto& [where, said] : words) {
    CAPTURE(where);
    const Folder there;
    Process receiver(with_descriptors(4096, crowd_receiver(there)));
    const auto port = port_of(receiver);
    std::list<Peer> silent;
    silent.push_back(greeted(port));
    const auto before = receiver.peak_memory();
    while (silent.size() <= count) {
      silent.push_back(greeted(port));
      silent.back().send(said);
    }
    check_served(port, there, "file");
    if (!is_sanitized()) CHECK(cost_of(receiver, before, count) < 64);
  }
}

TEST_CASE("verified --keep-open: a chunk that is compressed and does not end costs no more than a few MiB") {
  using namespace sockx;
  constexpr std::size_t count = 20;
  const auto content = noise(3'000'000) + std::string(largest_chunk - 3'000'000, '\0');
  const auto compressed = compress(std::as_bytes(std::span(content)));
  REQUIRE(compressed.size() > 2'000'000);
  const Folder there;
  Process receiver(with_descriptors(4096, crowd_receiver(there)));
  const auto port = port_of(receiver);
  std::list<Peer> silent;
  silent.push_back(greeted(port));
  const auto before = receiver.peak_memory();
  for (std::size_t i = 0; i < count; ++i) {
    auto& peer = silent.emplace_back(greeted(port));
    peer.send(entry(0, "victim" + std::to_string(i), largest_chunk));
    const auto offer = encode(Offer{0});
    REQUIRE(peer.receive(offer.size()) == offer);
    peer.send(
        encode(Chunk{0, Encoding::zstd, {0, largest_chunk}, static_cast<std::uint32_t>(compressed.size())}));
    peer.send(std::string(as_text(std::span(compressed).first(compressed.size() - 1))));
  }
  check_served(port, there, "file");
  if (!is_sanitized()) CHECK(cost_of(receiver, before, count) < 2048);
}

TEST_CASE("verified --keep-open: long names and small pieces cost no more than some MiB") {
  using namespace sockx;
  constexpr std::size_t count = 5;
  std::string folders;
  while (folders.size() < 3700) folders += std::string(200, 'd') + '/';
  const Folder there;
  Process receiver(with_descriptors(4096, crowd_receiver(there)));
  const auto port = port_of(receiver);
  std::list<Peer> hostile;
  hostile.push_back(greeted(port));
  const auto before = receiver.peak_memory();
  std::string pieces;
  for (std::uint64_t i = 0; i < 60'000; ++i)
    pieces += encode(Chunk{0, Encoding::plain, {i * 2, 1}, 1}) + "x" + xxh3_128("x");
  for (std::size_t i = 0; i < count; ++i) {
    auto& peer = hostile.emplace_back(greeted(port));
    const auto own = std::to_string(i);
    std::string said = entry(0, "victim" + own, unknown);
    for (std::uint32_t id = 1; id < 250; ++id) said += entry(id, folders + own + std::to_string(id), unknown);
    peer.send(said + pieces);
  }
  check_served(port, there, "file");
  if (!is_sanitized()) CHECK(cost_of(receiver, before, count) < 8192);
}

TEST_CASE("verified --keep-open: who announces files without end takes no descriptors from others") {
  const Folder there;
  Process receiver(with_descriptors(256, crowd_receiver(there)));
  const auto port = port_of(receiver);
  std::list<Peer> hostile;
  for (int i = 0; i < 4; ++i) {
    auto& peer = hostile.emplace_back(greeted(port));
    for (std::uint32_t id = 0; id < 250; ++id)
      peer.send(entry(id, "d" + std::to_string(id) + "/victim" + std::to_string(i), 2'000'000));
    const auto offer = sockx::encode(sockx::Offer{0});
    CHECK(peer.receive(offer.size()) == offer);
  }
  check_served(port, there, "file");
  CHECK(receiver.open_descriptors() < 120);
}

TEST_CASE("verified --keep-open: connections on which nobody greets do not keep a sender out") {
  using namespace sockx;
  auto stranger = Hello();
  stranger.streams = 2;
  stranger.stream = 1;
  for (const auto& said : {std::string(), encode(stranger).substr(0, 20), encode(stranger)}) {
    const Folder there;
    Process receiver(with_descriptors(256, crowd_receiver(there)));
    const auto port = port_of(receiver);
    std::list<Peer> silent;
    while (silent.size() < 100) {
      silent.push_back(Peer::connect(port));
      silent.back().send(said);
    }
    check_served(port, there, "file");
    CHECK(silent.front().ends_by_reset());  // it has given way
  }
}

TEST_CASE("verified --keep-open: a sender for whom no place becomes free is told so") {
  const Folder there, here;
  Process receiver(with_descriptors(100, crowd_receiver(there)));
  const auto port = port_of(receiver);
  const auto silent = greeted(port, 20);
  Process sender(
      sockx({"send-file", "--verified", write_file(here / "file", "content"), "127.0.0.1:" + port}));
  check_failure(sender, 9, "has given up: too many transfers are under way here");
}

TEST_CASE("verified --keep-open: where there is no room for another transfer it waits until one ends") {
  const Folder there, here;
  Process receiver(with_descriptors(100, crowd_receiver(there)));
  const auto port = port_of(receiver);
  auto silent = greeted(port, 20);
  const auto before = receiver.open_descriptors();
  const auto content = write_file(here / "file", "content");
  Process sender(sockx({"send-file", "--verified", content, "127.0.0.1:" + port}));
  eventually("the sender is accepted", [&] { return receiver.open_descriptors() > before; });
  CHECK_FALSE(fs::exists(there / "file"));
  silent.reset();
  check_end(sender, exited(0));
  CHECK(read_file(there / "file") == "content");
}

}  // namespace test

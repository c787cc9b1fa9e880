// The limits of nc, -w and -q, are for silence: a slow reader, a pause of our own, and bytes that wait for
// standard output are none.
#include "../support/peer.hpp"
#include "../support/sockx.hpp"

namespace test {

namespace {

using Words = std::vector<std::string>;

/// nc, whose standard output is not read before twice its limit of 1 s is over.
Process read_late(const std::string& words) {
  return Process({"bash", "-c", "set -o pipefail; \"$0\" nc " + words + " < /dev/null | { sleep 2; cat; }",
                  sockx_binary()});
}

TEST_CASE("nc -w: what waits for a reader of standard output is not dropped") {
  PeerListener target;
  const auto sent = noise(3'000'000);
  auto nc = read_late("-w 1 127.0.0.1 " + target.port());
  auto peer = target.accept();
  peer.send(sent);
  peer.finish();
  check_end(nc, exited(0));
  CHECK(difference(nc.out(), sent) == "");
}

TEST_CASE("nc -l -q: what waits for a reader of standard output is not dropped") {
  const Folder folder;
  const auto sent = noise(3'000'000);
  auto nc = read_late("-lU -q 1 " + (folder / "s"));
  wait_for_listener(folder / "s");
  auto peer = connect_to("unix:" + (folder / "s"));
  peer.send(sent);
  peer.finish();
  check_end(nc, exited(0));
  CHECK(difference(nc.out(), sent) == "");
}

TEST_CASE("nc -u -l -w: datagrams that wait for a reader of standard output are not dropped") {
  const Folder folder;
  auto nc = read_late("-lu -U -w 1 " + (folder / "s"));
  eventually("the socket", [&] { return fs::exists(folder / "s"); });
  const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  (folder / "s").copy(address.sun_path, sizeof address.sun_path - 1);
  Peer::check(connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect");
  std::string sent;
  for (int i = 0; i < 40; ++i) {
    const auto datagram = noise(16'000, static_cast<unsigned>(i));
    Peer::check(send(socket.get(), datagram.data(), datagram.size(), 0), "send");
    sent += datagram;
  }
  check_end(nc, exited(0));
  CHECK(difference(nc.out(), sent) == "");
}

TEST_CASE("nc -i: the end comes a pause after the last line, and -w does not count pauses") {
  PeerListener target;
  Process nc(sockx({"nc", "-N", "-w", "1", "-i", "2", "127.0.0.1", target.port()}), {.in = Stdio::pipe()});
  auto peer = target.accept();
  nc.feed("a\nb\n");
  CHECK(peer.receive(4) == "a\nb\n");
  const auto begun = std::chrono::steady_clock::now();
  CHECK(peer.receive_all() == "");
  CHECK(std::chrono::steady_clock::now() - begun > 1s);
  peer.close();
  check_end(nc, exited(0));
}

TEST_CASE("nc -z: a scan with few descriptors finds what is open") {
  PeerListener target;
  const auto last = std::stoi(target.port()), first = std::max(1, last - 200);
  Process nc(
      {"bash", "-c",
       "ulimit -n 40; exec \"$0\" nc -z 127.0.0.1 " + std::to_string(first) + '-' + std::to_string(last),
       sockx_binary()});
  check_end(nc, exited(0));
  CHECK(nc.err() == "");
}

}  // namespace

}  // namespace test

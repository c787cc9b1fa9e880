// --rate, by the clock. The only test that measures time.
#include <array>

#include "../support/peer.hpp"
#include "../support/sockx.hpp"

namespace test {

namespace {

constexpr double rate = 10 << 20;  // bytes a second
constexpr std::size_t seconds = 5;

/// The bytes of each of the first five seconds that `peer` receives, counted from its first byte.
std::array<double, seconds> bytes_by_second(Peer& peer) {
  std::array<double, seconds> counts{};
  peer.receive(1);
  const auto begun = std::chrono::steady_clock::now();
  std::string buffer(256 * 1024, '\0');
  for (;;) {
    const auto got = recv(peer.fd(), buffer.data(), buffer.size(), 0);
    Peer::check(got, "recv");
    const auto second = static_cast<std::size_t>((std::chrono::steady_clock::now() - begun) / 1s);
    if (second >= seconds) return counts;
    counts[second] += static_cast<double>(got);
  }
}

/// A machine that does not let the sender run cannot show its rate: that it is never exceeded must always be
/// so, that it is reached once in ten times.
TEST_CASE("--rate 10Mi: 5 s carry 50 MiB within 3 %, and no second is off by more than 10 %") {
  if (is_sanitized()) {
    MESSAGE("skipped: a sanitized program is too slow to be measured");
    return;
  }
  bool reached = false;
  for (int attempt = 0; attempt < 10 && !reached; ++attempt) {
    PeerListener listener;
    Process connecting(sockx({"connect", "--rate", "10Mi", "127.0.0.1", listener.port()}),
                       {Stdio::input("/dev/zero")});
    auto peer = listener.accept();
    reached = true;
    double total = 0;
    for (const double count : bytes_by_second(peer)) {
      INFO("a second of ", count, " bytes");
      CHECK(count < 1.1 * rate);
      reached = reached && count > 0.9 * rate;
      total += count;
    }
    CHECK(total < 1.03 * seconds * rate);
    reached = reached && total > 0.97 * seconds * rate;
  }
  CHECK(reached);
}

}  // namespace

}  // namespace test

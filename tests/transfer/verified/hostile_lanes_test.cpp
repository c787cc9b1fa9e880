// A sender whose connections bring the same bytes of a file in any order, as ours never would: what has been
// verified stays as it is, or the transfer fails.
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <iterator>
#include <random>

#include "../../support/connections.hpp"
#include "../../support/far_ends.hpp"
#include "../../support/thrown.hpp"
#include "hostile.hpp"

using namespace sockx;
using namespace test;

namespace {

struct Piece {
  std::size_t connection;
  std::string bytes;
};

/// Receives these pieces, each of which is taken before the next comes.
Reception receive_in_order(const std::vector<Piece>& said, std::size_t streams, const std::string& folder) {
  ignore_signals_that_calls_report();
  Reception reception;
  EventLoop loop;
  std::list<FarEnd> senders;
  const auto accept = [&](SessionId) -> Task<Connection> {
    while (senders.size() == streams) {
      co_await loop.sleep_until(never);
    }
    auto pair = unix_pair();
    senders.emplace_back(loop, std::move(pair.ours));
    co_return connection(loop, std::move(pair.theirs), "the sender");
  };
  const auto until_taken = [&](const FarEnd& stream) -> Task<> {
    for (int unread = 1; unread > 0;) {
      if (ioctl(stream.fd.get(), SIOCOUTQ, &unread) != 0) break;
      co_await loop.next_turn();
    }
    for (int turns = 0; turns < 8; ++turns) {  // what it does with it
      co_await loop.next_turn();
    }
  };
  const auto talk = [&]() -> Task<> {
    for (const auto& [connection, bytes] : said) {
      while (senders.size() <= connection) {
        co_await loop.next_turn();
      }
      auto& stream = *std::next(senders.begin(), static_cast<std::ptrdiff_t>(connection));
      if (write(stream.fd.get(), bytes.data(), bytes.size()) < 0) continue;  // the receiver has given it up
      co_await until_taken(stream);
    }
    for (const auto& stream : senders) shutdown(stream.fd.get(), SHUT_WR);
  };
  const auto run = [&]() -> Task<> {
    auto first = co_await accept({});
    TaskGroup talkers(loop);
    talkers.spawn(talk());
    VerifiedReceiveOptions options{.folder = folder};
    options.deadline = after(std::chrono::seconds(20));
    auto receiving = receive_verified(std::move(first), accept, std::move(options), reception.tally);
    co_await keep_failure(std::move(receiving), reception.failure);
  };
  loop.run(run());
  return reception;
}

/// What all connections say first, and the first of a file.
std::vector<Piece> greetings(std::uint16_t streams, std::uint64_t size) {
  std::vector<Piece> said;
  for (std::uint16_t stream = 0; stream < streams; ++stream) {
    auto greeting = hello();
    greeting.stream = stream;
    greeting.streams = streams;
    said.push_back({stream, encode(greeting)});
  }
  said.push_back({0, encode(file(0, "victim", size))});
  return said;
}

std::string header(std::uint64_t offset, std::uint64_t length) {
  return encode(Chunk{0, Encoding::plain, {offset, length}, static_cast<std::uint32_t>(length)});
}

class HostileOrder {
 public:
  explicit HostileOrder(std::uint64_t seed)
      : engine_(seed), said_(greetings(streams, size_)), coming_(streams) {}

  void tell() {
    for (auto steps = 2 + below(8); steps > 0; --steps) {
      const auto connection = below(streams);
      if (auto& chunk = coming_[connection])
        go_on(connection, chunk);
      else if (connection == 0 && below(20) == 0)
        restart();
      else
        begin(connection, chunk);
    }
    for (std::size_t connection = 0; connection < streams; ++connection)
      if (coming_[connection] && (connection == 0 || below(2) == 0))
        complete(connection, coming_[connection]);
    std::uint64_t data = 0;
    for (const auto& chunk : verified_) data += chunk.bytes.size();
    before_end_ = verified_;
    said_.push_back({0, encode(End{0, size_, data})});
    for (std::size_t connection = 1; connection < streams; ++connection)
      if (coming_[connection]) complete(connection, coming_[connection]);
    said_.push_back({0, encode(Finish())});
  }

  /// Whether the file has got its name.
  bool check() const {
    const Folder there;
    const auto reception = receive_in_order(said_, streams, there.path());
    INFO(reception.reason());
    if (!fs::exists(there / "victim")) {
      const bool has_failed = reception.failure || reception.tally.first_failure;
      CHECK(has_failed);
      return false;
    }
    std::string content(size_, '\0');
    for (const auto& chunk : before_end_) content.replace(chunk.offset, chunk.bytes.size(), chunk.bytes);
    CHECK(difference(read_file(there / "victim"), content) == "");
    return true;
  }

 private:
  static constexpr std::size_t streams = 3, blocks = 12, block = 1000;
  struct Coming {
    std::uint64_t offset;
    std::string bytes;
    std::size_t said = 0;
  };

  std::uint64_t below(std::uint64_t end) { return engine_() % end; }

  void begin(std::size_t connection, std::optional<Coming>& chunk) {
    const auto first = below(blocks), count = 1 + below(std::min<std::uint64_t>(2, blocks - first));
    chunk = Coming{first * block, noise(count * block, below(1'000'000))};
    said_.push_back({connection, header(chunk->offset, chunk->bytes.size())});
  }

  void go_on(std::size_t connection, std::optional<Coming>& chunk) {
    if (below(2) == 0) return complete(connection, chunk);
    const auto length = below(chunk->bytes.size() - chunk->said + 1);
    said_.push_back({connection, chunk->bytes.substr(chunk->said, length)});
    chunk->said += length;
  }

  void complete(std::size_t connection, std::optional<Coming>& chunk) {
    const bool is_void = below(4) == 0;
    said_.push_back({connection, chunk->bytes.substr(chunk->said) +
                                     (is_void ? std::string(16, '\0') : xxh3_128(chunk->bytes))});
    if (!is_void) verified_.push_back(*chunk);
    chunk.reset();
  }

  void restart() {
    said_.push_back({0, encode(Restart{0})});
    verified_.clear();
  }

  std::mt19937_64 engine_;
  std::uint64_t size_ = blocks * block;
  std::vector<Piece> said_;
  std::vector<std::optional<Coming>> coming_;  // on each connection
  std::vector<Coming> verified_, before_end_;
};

}  // namespace

TEST_CASE("hostile sender: a chunk on one connection does not change what another has brought meanwhile") {
  for (const std::uint64_t size : {100'000U, 2'000'000U}) {
    CAPTURE(size);
    const std::string good(100'000, 'g'), bad(100'000, 'b');
    auto said = greetings(2, size);
    said.push_back({1, header(0, bad.size())});
    said.push_back({0, chunk(0, 0, good)});
    said.push_back({1, bad + std::string(16, '\0')});
    said.push_back({0, encode(End{0, size, good.size()}) + encode(Finish())});
    const Folder there;
    const auto reception = receive_in_order(said, 2, there.path());
    REQUIRE(reception.failure);
    CHECK(thrown_by<Corrupt>([&] { std::rethrow_exception(reception.failure); }));
    CHECK_MESSAGE(reception.reason().find("the 100000 bytes at 0 are coming on another connection") !=
                      std::string::npos,
                  reception.reason());
    CHECK_FALSE(fs::exists(there / "victim"));
  }
}

TEST_CASE("hostile sender: what comes on another connection when the file has ended is not taken") {
  const std::string good(50'000, 'g'), bad(50'000, 'b');
  auto said = greetings(2, 100'000);
  said.push_back({1, header(50'000, bad.size()) + bad.substr(0, 20'000)});
  said.push_back({0, chunk(0, 0, good) + encode(End{0, 100'000, good.size()})});
  said.push_back({1, bad.substr(20'000) + xxh3_128(bad)});
  said.push_back({0, encode(Finish())});
  const Folder there;
  const auto reception = receive_in_order(said, 2, there.path());
  CHECK(reception.reason() == "");
  CHECK(difference(read_file(there / "victim"), good + std::string(50'000, '\0')) == "");
}

TEST_CASE("hostile sender: whatever its connections bring in whatever order, a file is what was verified") {
  int named = 0;
  constexpr int all = 300;
  for (std::uint64_t seed = 1; seed <= all; ++seed) {
    CAPTURE(seed);
    HostileOrder order(seed);
    order.tell();
    named += order.check() ? 1 : 0;
  }
  CHECK(named > 0);
  CHECK(named < all);
}

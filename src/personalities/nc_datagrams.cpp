#include "personalities/nc_datagrams.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <span>
#include <utility>

#include "base/error.hpp"
#include "base/on_exit.hpp"
#include "base/text.hpp"
#include "flow/idle_timeout.hpp"
#include "flow/stage.hpp"
#include "flow/task_group.hpp"
#include "net/datagram/datagram_socket.hpp"
#include "net/datagram/datagrams.hpp"
#include "personalities/nc_sockets.hpp"
#include "personalities/nc_streams.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t longest_read = 16384;  // of the input, as nc reads it
constexpr Duration shortest_wait = 50ms;     // for -q 0 and -w 0
constexpr int probes_without_timeout = 3;    // a second between them

DatagramEnd end_of(Socket socket) {
  const auto local = socket.local();
  return {std::move(socket), nullptr, local, {}, false};
}

/// Joins a socket to the standard streams.
class NcExchange : NonCopyable {
 public:
  /// `is_connected`: the socket has a peer, and the input is sent to it.
  NcExchange(NcRun& run, Socket socket, bool is_connected)
      : run_(run),
        options_(run.options),
        end_(run.context.loop(), end_of(std::move(socket))),
        reader_(end_.facts, DatagramReader::Options{64UL * 1024, 1, 0}),
        is_connected_(is_connected) {}

  const Address& local() const { return end_.local; }

  /// Of the first datagram, which is left to be received.
  Task<Address> first_peer() {
    DatagramReader peeking(end_.facts, DatagramReader::Options{64UL * 1024, 1, MSG_PEEK});
    for (;;) {
      if (const auto got = peeking.receive(1); !got.empty()) co_return got.front().source;
      end_.watch.forget_readable();
      co_await end_.watch.readable();
    }
  }
  void connect_to(const Address& peer) {
    const int error = end_.socket.connect(peer);
    if (error != 0) throw NcFailure("connect", error);
    is_connected_ = true;
  }

  /// A few datagrams "X" show whether somebody is there: false when the peer's host refuses them.
  Task<bool> probe() {
    constexpr std::string_view word = "X";
    const auto bytes = std::as_bytes(std::span(word));
    auto& loop = run_.context.loop();
    const int seconds = options_.timeout.value_or(probes_without_timeout);
    if (send_now(bytes) != 0 || send_now(bytes) == ECONNREFUSED) co_return false;
    for (int i = 0; i < seconds; ++i) {
      co_await loop.sleep_until(after(1s));
      if (send_now(bytes) == ECONNREFUSED) co_return false;
    }
    co_return true;
  }

  Task<> run() {
    last_ = Clock::now();
    std::optional<Duration> limit;
    if (options_.timeout) limit = std::max<Duration>(std::chrono::seconds(*options_.timeout), shortest_wait);
    auto exchanging = exchange();
    auto idling = watch_for_idleness(limit, last_, [this] { return blocked_ > 0 ? ++changes_ : changes_; });
    try {
      co_await any(std::move(exchanging), std::move(idling));
    } catch (const TimedOut&) {
      co_return;  // the end that -w asks for
    } catch (const Error& error) {
      if (error.origin() != Origin::standard_output || error.number() != EPIPE) throw;
    }
  }

 private:
  /// Until the peer and the input have ended. A server needs no end of its input. With -q it is enough that
  /// the peer is silent for so long after the end of the input.
  Task<> exchange() {
    TaskGroup directions(run_.context.loop());
    directions.spawn(send_input());
    directions.spawn(receive());
    const Duration span = std::max<Duration>(std::chrono::seconds(options_.quit.value_or(0)), shortest_wait);
    while (!is_over()) {
      const auto since = blocked_ > 0 ? Clock::now() : last_;
      const auto deadline = has_input_ended_ && options_.quit ? since + span : never;
      const bool has_changed = co_await directions.next_end(deadline);
      if (!has_changed && blocked_ == 0 && Clock::now() >= last_ + span) break;
    }
    directions.throw_failure();
  }

  bool is_over() const { return is_enough_ || (has_peer_ended_ && (options_.listens || has_input_ended_)); }

  Task<> send_input() {
    auto& input = run_.input();
    std::vector<std::byte> buffer(longest_read);
    for (;;) {
      const auto got = input.read_some(buffer);
      if (got.state == IoResult::State::eof) break;
      if (got.state != IoResult::State::moved) {
        co_await input.readable();
        continue;
      }
      std::vector<std::byte> bytes(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(got.bytes));
      if (crlf_) crlf_->pass(bytes);
      co_await send_lines(std::move(bytes));
      if (is_enough_) co_return;
    }
    has_input_ended_ = true;
    last_ = Clock::now();
  }

  /// With -C and -i each line is a datagram.
  Task<> send_lines(std::vector<std::byte> bytes) {
    const bool by_line = options_.crlf || options_.interval > 0;
    for (auto rest = std::span<const std::byte>(bytes); !rest.empty();) {
      const auto line_end = by_line ? std::ranges::find(rest, std::byte{'\n'}) : rest.end();
      const bool is_line = line_end != rest.end();
      const auto size = is_line ? static_cast<std::size_t>(line_end - rest.begin()) + 1 : rest.size();
      const auto datagram = rest.first(size);
      rest = rest.subspan(size);
      co_await send(datagram);
      if (is_enough_) co_return;
      if (is_line && options_.interval > 0) {
        last_ = after(std::chrono::seconds(options_.interval));  // the pause is no silence
        co_await run_.context.loop().sleep_until(after(std::chrono::seconds(options_.interval)));
      }
    }
  }

  Task<> send(std::span<const std::byte> datagram) {
    if (!is_connected_) {
      if (!std::exchange(has_warned_, true))
        run_.warn("standard input is dropped: there is no peer to send it to");
      co_return;
    }
    for (;;) {
      const int error = send_now(datagram);
      last_ = Clock::now();
      if (error == 0) co_return;
      if (error == ECONNREFUSED) {
        is_enough_ = true;
        co_return;
      }
      if (error != EAGAIN && error != ENOBUFS) throw NcFailure("write", error);
      end_.watch.forget_writable();
      const auto limit = error == ENOBUFS ? after(10ms) : never;  // epoll(7) tells nothing of a device
      ++blocked_;
      co_await end_.watch.writable(limit);
      --blocked_;
    }
  }

  /// Returns 0 or an errno.
  int send_now(std::span<const std::byte> bytes) const {
    const OutgoingDatagram datagram{.bytes = bytes};
    return send_datagrams(end_.facts, std::span(&datagram, 1), 0).error;
  }

  Task<> receive() {
    auto& output = run_.output();
    for (int packets = 0;;) {
      const auto got = received();
      if (is_enough_) co_return;
      if (got.empty()) {
        end_.watch.forget_readable();
        co_await end_.watch.readable();
        continue;
      }
      last_ = Clock::now();
      const auto bytes = got.front().bytes;
      if (bytes.empty() && is_connected_) break;  // nc takes it for the end
      ++blocked_;
      co_await output.write_all(bytes);
      --blocked_;
      last_ = Clock::now();
      if (options_.most_packets && ++packets >= *options_.most_packets) {
        is_enough_ = true;
        co_return;
      }
    }
    has_peer_ended_ = true;
  }

  std::span<const Datagram> received() {
    try {
      return reader_.receive(1);
    } catch (const Error& error) {
      if (error.number() != ECONNREFUSED) throw NcFailure("read", error.number());
    }
    is_enough_ = true;  // nobody listens there: with UDP that is no failure, as with nc
    return {};
  }

  NcRun& run_;
  const NcOptions& options_;
  WatchedDatagramEnd end_;
  DatagramReader reader_;
  std::shared_ptr<Stage> crlf_ = options_.crlf ? make_crlf() : nullptr;
  Clock::time_point last_{};   // byte, or end of the input
  int blocked_ = 0;            // directions that wait for their output
  std::uint64_t changes_ = 0;  // counts while one is
  bool is_connected_, has_input_ended_ = false, has_peer_ended_ = false, is_enough_ = false,
                      has_warned_ = false;
};

/// A unix socket without a name cannot be answered.
bool is_named(const Address& peer) { return peer.family() != AF_UNIX || peer.size() > sizeof(sa_family_t); }

/// A folder that only this user can enter, for the name that a peer answers to.
class TemporaryFolder : NonCopyable {
 public:
  TemporaryFolder() {
    if (mkdtemp(path_.data()) == nullptr) throw NcFailure("mkdtemp", errno);
  }
  ~TemporaryFolder() { rmdir(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_ = "/tmp/nc-XXXXXX";
};

}  // namespace

Task<> run_nc_datagram_client(NcRun& run) {
  const auto& o = run.options;
  std::string host = *o.host, port = text("{}", o.ports.front());
  const auto addresses = co_await nc_host_addresses(run, std::move(host), std::move(port), SOCK_DGRAM);
  run.status = 1;
  for (const auto number : nc_ports(o)) {
    std::string address;
    auto socket = co_await nc_connect_datagrams(run, addresses, number, address);
    if (!socket) continue;
    run.status = 0;
    if (o.passes_fd) {
      co_await pass_nc_socket(socket.fd());
      co_return;
    }
    NcExchange exchange(run, std::move(socket), true);
    if (o.verbosity > 0) {
      const bool is_there = co_await exchange.probe();
      if (!is_there) run.status = 1;
      if (!is_there) continue;
      tell_nc_connection(run, address, number);
    }
    if (!o.scans) {
      co_await exchange.run();
    }
  }
}

Task<> run_nc_unix_datagram_client(NcRun& run) {
  const auto& o = run.options;
  std::optional<TemporaryFolder> folder;
  if (!o.source) folder.emplace();
  const auto name = o.source ? *o.source : folder->path() + "/recv.sock";
  const OnExit remove([&] {
    if (folder) unlink(name.c_str());
  });
  Socket socket;
  try {
    socket = nc_bind_unix(name, SOCK_DGRAM);
  } catch (const NcFailure& failure) {
    throw NcFailure(text("{}: {}", name, failure.what()));
  }
  run.tell_path("Bound", name);
  int error = o.host->empty() ? EINVAL : ENAMETOOLONG;
  try {
    if (!o.host->empty()) error = socket.connect(Address::unix_name(*o.host));
  } catch (const BadInput&) {
  }
  if (error != 0) throw NcFailure(text("{}: {}", *o.host, strerror(error)));
  if (o.scans) co_return;
  NcExchange exchange(run, std::move(socket), true);
  co_await exchange.run();
}

Task<> run_nc_datagram_server(NcRun& run) {
  const auto& o = run.options;
  Socket socket;
  if (o.is_unix()) {
    socket = nc_bind_unix(*o.host, SOCK_DGRAM);
    run.tell_path("Bound", *o.host);
  } else {
    socket = co_await nc_bind(run);
  }
  NcExchange exchange(run, std::move(socket), false);
  if (!o.is_unix()) {
    std::string what = "Bound";
    co_await run.tell_address(std::move(what), exchange.local());
  }
  if (!o.keeps_open) {
    const auto peer = co_await exchange.first_peer();
    if (is_named(peer)) exchange.connect_to(peer);
    if (o.is_unix()) {
      run.tell_path("Connection received", *o.host);
    } else {
      std::string what = "Connection received";
      co_await run.tell_address(std::move(what), peer);
    }
  }
  co_await exchange.run();
}

}  // namespace sockx

#include "net/stream/scan.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <filesystem>

#include "base/error.hpp"
#include "base/text.hpp"
#include "flow/notification.hpp"
#include "net/address/port_list.hpp"
#include "net/stream/race.hpp"

namespace sockx {

namespace {

std::string message_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& exception) {
    return exception.what();
  }
}

/// A pool of workers, each of which takes the next port when it has done with one.
class Scanner {
 public:
  Scanner(EventLoop& loop, std::vector<Address> hosts, const ScanOptions& options)
      : loop_(loop),
        hosts_(std::move(hosts)),
        options_(options),
        left_(options.ports.begin(), options.ports.end()),
        changed_(loop) {}

  Task<> run() {
    const auto wanted = std::min(std::max<std::size_t>(options_.parallel, 1), left_.size());
    while (workers_.size() < wanted && !left_.empty() && !is_short_ && !failure_) {
      ++working_;
      workers_.push_back(work());
      workers_.back().start(loop_);
    }
    while (working_ > 0 && !failure_) {
      co_await changed_.wait();
    }
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  Task<> work() {
    try {
      Socket spare;
      bool goes_on = true;
      while (goes_on && !left_.empty() && !failure_) {
        const auto port = left_.front();
        left_.pop_front();
        goes_on = co_await check(port, spare);
        if (++checked_ % 64 == 0) {
          co_await loop_.next_turn();  // over loopback nothing else would ever get its turn
        }
      }
    } catch (...) {
      failure_ = std::current_exception();
    }
    --working_;
    changed_.notify();
  }

  /// False when there was no descriptor for it: then the others, which have theirs, take the port, and the
  /// pool has become smaller.
  Task<bool> check(std::uint16_t port, Socket& spare) {
    const auto begun = Clock::now();
    std::vector<Address> addresses;
    for (const auto& host : hosts_) addresses.push_back(host.with_port(port));
    DialOptions how;
    how.stream = options_.stream;
    how.deadline = after(options_.timeout);
    try {
      auto* const kept = options_.stream.mptcp ? nullptr : &spare;
      const auto result = co_await race(addresses, how, kept);
      options_.tell(told(result, addresses.front(), Clock::now() - begun));
    } catch (const Error& error) {
      if (!is_shortage(error) || working_ == 1) throw;
      left_.push_front(port);
      is_short_ = true;
      co_return false;
    }
    co_return true;
  }

  static PortResult told(const RaceResult& result, const Address& first, Duration span) {
    if (result.winner) return {result.peer, PortState::open, 0, "", span};
    if (result.failure) return {result.address, PortState::failed, 0, message_of(result.failure), span};
    if (result.error == 0) return {first, PortState::timed_out, ETIMEDOUT, strerror(ETIMEDOUT), span};
    return {result.address, port_state(result.error), result.error, strerror(result.error), span};
  }

  EventLoop& loop_;
  const std::vector<Address> hosts_;
  const ScanOptions& options_;
  std::deque<std::uint16_t> left_;
  std::size_t working_ = 0, checked_ = 0;
  bool is_short_ = false;
  std::exception_ptr failure_;
  Notification changed_;
  std::vector<Task<>> workers_;  // last, because they look at all of the above
};

}  // namespace

std::size_t affordable_sockets() {
  constexpr std::size_t reserve = 16;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) throw_errno("getrlimit RLIMIT_NOFILE");
  const std::filesystem::directory_iterator open("/proc/self/fd");
  const auto taken = static_cast<std::size_t>(std::distance(begin(open), end(open))) + reserve;
  return limit.rlim_cur > taken ? limit.rlim_cur - taken : 1;
}

ScanTarget ScanTarget::parse(const std::vector<std::string>& words) {
  const auto& first = words.front();
  for (const auto* form : {"unix:", "vsock:", "fd:"})
    if (first.starts_with(form)) throw BadInput(text("'{}': only a host has ports to scan", first));
  const auto colon = first.rfind(':');
  const bool is_apart = words.size() > 1;
  if (!is_apart && colon == std::string::npos)
    throw BadInput(text("'{0}': the ports are missing: say {0} PORTS, like 22,80,8000-8100", first));
  const auto ports = parse_port_list(is_apart ? words.back() : first.substr(colon + 1));
  std::vector<std::string> one_port{is_apart ? first : text("{}:{}", first.substr(0, colon), ports.front())};
  if (is_apart) one_port.push_back(std::to_string(ports.front()));
  const auto endpoint = Endpoint::parse(one_port, Endpoint::Role::connecting);
  return {std::get<HostPort>(endpoint.where).host, ports};
}

Task<> scan(std::string host, ScanOptions options) {
  auto& loop = co_await this_loop();
  Endpoint endpoint{HostPort{std::move(host), 0}};
  check_dialing(options.stream, endpoint);
  auto hosts = co_await addresses_to_dial(endpoint, options.stream, after(options.timeout));
  Scanner scanner(loop, std::move(hosts), options);
  co_await scanner.run();
}

}  // namespace sockx

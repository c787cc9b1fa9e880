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
#include "net/proxy/proxy_refusal.hpp"
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

/// The host as the proxies are asked for it: a name that has to be looked up here is looked up once.
Task<std::string> host_for(ProxyRoute route, std::string host, bool numeric, Deadline deadline) {
  HostPort target{std::move(host), 0};
  const auto ways = co_await ways_through(std::move(route), std::move(target), numeric, deadline);
  co_return ways.front().back().host;
}

/// A pool of workers, each of which takes the next port when it has done with one.
class Scanner {
 public:
  /// `proxied` is the host as proxies are asked for it, where there are some; then there are no `hosts`.
  Scanner(EventLoop& loop, std::vector<Address> hosts, std::string proxied, const ScanOptions& options)
      : loop_(loop),
        hosts_(std::move(hosts)),
        proxied_(std::move(proxied)),
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
    try {
      if (options_.route.empty()) {
        co_await check_directly(port, spare);
      } else {
        co_await check_by_proxies(port);
      }
    } catch (const Error& error) {
      if (!is_shortage(error) || working_ == 1) throw;
      left_.push_front(port);
      is_short_ = true;
      co_return false;
    }
    co_return true;
  }

  Task<> check_directly(std::uint16_t port, Socket& spare) {
    const auto begun = Clock::now();
    std::vector<Address> addresses;
    for (const auto& host : hosts_) addresses.push_back(host.with_port(port));
    DialOptions how;
    how.stream = options_.stream;
    how.deadline = after(options_.timeout);
    auto* const kept = options_.stream.mptcp ? nullptr : &spare;
    const auto result = co_await race(addresses, how, kept);
    options_.tell(told(result, addresses.front(), Clock::now() - begun));
  }

  Task<> check_by_proxies(std::uint16_t port) {
    const auto begun = Clock::now();
    HostPort target{proxied_, port};
    bool was_asked = false;
    DialOptions how;
    how.stream = options_.stream;
    how.route = options_.route;
    how.deadline = after(options_.timeout);
    how.tell = [&was_asked](const DialEvent& event) {
      was_asked = was_asked || event.kind == DialEvent::Kind::asking_proxy;
    };
    Endpoint endpoint{target};
    std::exception_ptr failure;
    try {
      const auto connection = co_await dial(std::move(endpoint), std::move(how));
    } catch (...) {
      failure = std::current_exception();
    }
    const auto span = Clock::now() - begun;
    auto result = failure ? result_behind_proxy(failure, target, was_asked, span)
                          : PortResult{{}, PortState::open, 0, "", span, target};
    if (!result) std::rethrow_exception(failure);
    options_.tell(*result);
  }

  static PortResult told(const RaceResult& result, const Address& first, Duration span) {
    if (result.winner) return {result.peer, PortState::open, 0, "", span};
    if (result.failure) return {result.address, PortState::failed, 0, message_of(result.failure), span};
    if (result.error == 0) return {first, PortState::timed_out, ETIMEDOUT, strerror(ETIMEDOUT), span};
    return {result.address, port_state(result.error), result.error, strerror(result.error), span};
  }

  EventLoop& loop_;
  const std::vector<Address> hosts_;
  const std::string proxied_;
  const ScanOptions& options_;
  std::deque<std::uint16_t> left_;
  std::size_t working_ = 0, checked_ = 0;
  bool is_short_ = false;
  std::exception_ptr failure_;
  Notification changed_;
  std::vector<Task<>> workers_;  // last, because they look at all of the above
};

}  // namespace

std::string PortResult::host() const {
  if (target) return target->host;
  return is_internet(address.family()) ? address.host() : address.to_string();
}

std::optional<PortResult> result_behind_proxy(const std::exception_ptr& thrown, const HostPort& target,
                                              bool was_asked, Duration span) {
  try {
    std::rethrow_exception(thrown);
  } catch (const ProxyRefusal& refusal) {
    return PortResult{{}, PortState::proxy_refused, 0, refusal.reply(), span, target, refusal.reply()};
  } catch (const TimedOut&) {
    if (!was_asked) return {};
    return PortResult{{}, PortState::timed_out, ETIMEDOUT, strerror(ETIMEDOUT), span, target};
  } catch (const Error& error) {
    if (!was_asked || error.origin() != Origin::peer) return {};
    return PortResult{{}, PortState::failed, error.number(), error.what(), span, target};
  } catch (...) {
    return {};
  }
}

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
  Endpoint endpoint{HostPort{host, 0}};
  check_dialing(options.stream, endpoint);
  std::vector<Address> hosts;
  std::string proxied;
  const auto deadline = after(options.timeout);
  if (options.route.empty()) {
    hosts = co_await addresses_to_dial(std::move(endpoint), options.stream, deadline);
  } else {
    auto route = options.route;
    proxied = co_await host_for(std::move(route), std::move(host), options.stream.numeric, deadline);
  }
  Scanner scanner(loop, std::move(hosts), std::move(proxied), options);
  co_await scanner.run();
}

}  // namespace sockx

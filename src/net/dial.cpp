#include "net/dial.hpp"

#include <algorithm>
#include <cerrno>
#include <memory>

#include "flow/task_group.hpp"
#include "flow/watch.hpp"
#include "net/handover.hpp"
#include "net/resolve.hpp"
#include "os/error.hpp"
#include "os/text.hpp"

namespace sockx {

namespace {

/// RFC 8305, section 4: the family of the first address leads, and from there on they take turns.
std::vector<Address> alternate_families(const std::vector<Address>& addresses) {
  std::vector<Address> leading, other, mixed;
  for (const auto& address : addresses)
    (address.family() == addresses.front().family() ? leading : other).push_back(address);
  for (std::size_t i = 0; i < std::max(leading.size(), other.size()); ++i) {
    if (i < leading.size()) mixed.push_back(leading[i]);
    if (i < other.size()) mixed.push_back(other[i]);
  }
  return mixed;
}

/// A blackhole or prohibit route answers with an errno that, for an address that was just resolved, can only
/// mean that there is no way there.
int meaning_of(int error, const Address& address) {
  if (address.family() == AF_UNIX || address.family() == AF_VSOCK) return error;
  return error == EINVAL || error == EACCES ? EHOSTUNREACH : error;
}

class Race {
 public:
  Race(EventLoop& loop, Endpoint endpoint, const DialOptions& options)
      : loop_(loop), endpoint_(std::move(endpoint)), options_(options) {}

  Task<Dialed> run(std::vector<Address> addresses) {
    TaskGroup attempts(loop_);
    for (const auto& address : addresses) {
      attempts.spawn(attempt(address));
      ++started_;
      co_await attempts.next_end(std::min(options_.deadline, after(options_.attempt_delay)));
      if (winner_.socket || loop_.now() >= options_.deadline) break;
    }
    while (!winner_.socket && attempts.running() > 0 && loop_.now() < options_.deadline) {
      co_await attempts.next_end(options_.deadline);
    }
    if (!winner_.socket) fail();
    co_return std::move(winner_);
  }

 private:
  Task<> attempt(Address address) {
    options_.tell({DialEvent::Kind::trying, address});
    Socket socket;
    try {
      socket = Socket::open_stream(address.family(), options_.stream.type);
    } catch (const Error& error) {
      note_failure(address, error.number());  // a family that is not there; another address may still do
      co_return;
    }
    prepare(socket, address, options_.stream);
    int error = socket.connect(address);
    while (error == EAGAIN && address.family() == AF_UNIX) {  // the listener's backlog is full: unix(7)
      co_await loop_.sleep_until(after(std::chrono::milliseconds(10)));
      error = socket.connect(address);
    }
    if (error == EINPROGRESS) {
      Watch watch(loop_, socket.fd());
      co_await watch.writable();
      error = socket.take_error();
    }
    if (error != 0) {
      note_failure(address, meaning_of(error, address));
      co_return;
    }
    prepare_connected(socket, options_.stream);
    options_.tell({DialEvent::Kind::connected, address});
    if (!winner_.socket) winner_ = {std::move(socket), address};
  }

  void note_failure(const Address& address, int error) {
    options_.tell({DialEvent::Kind::failed, address, error});
    if (first_error_ != 0) return;
    first_error_ = error;
    first_failed_ = address;
  }

  [[noreturn]] void fail() {
    const auto tried =
        started_ > 1 ? text("{} ({} addresses)", endpoint_.to_string(), started_) : endpoint_.to_string();
    if (first_error_ == 0 || loop_.now() >= options_.deadline)
      throw TimedOut(text("connect {}: timed out", tried));
    throw Error(first_error_, text("connect {}", started_ > 1 ? tried : first_failed_.to_string()),
                Origin::peer);
  }

  EventLoop& loop_;
  Endpoint endpoint_;
  const DialOptions& options_;
  Dialed winner_;
  std::size_t started_ = 0;
  int first_error_ = 0;
  Address first_failed_;
};

}  // namespace

Task<Dialed> dial(Endpoint endpoint, DialOptions options) {
  check_type(endpoint, options.stream);
  if (endpoint.is_adopted()) {
    auto socket = co_await adopt_socket(endpoint, options.stream.type, options.deadline);
    if (socket.is_listening())
      throw BadInput(text("'{}': that socket is listening; say sockx listen", endpoint.to_string()));
    prepare_connected(socket, options.stream);
    auto peer = socket.peer();
    co_return Dialed{std::move(socket), peer};
  }
  std::vector<Address> addresses;
  if (const auto* address = std::get_if<Address>(&endpoint.where))
    addresses.push_back(*address);
  else
    addresses = alternate_families(co_await resolve(std::get<HostPort>(endpoint.where),
                                                    {options.stream.family, options.stream.numeric},
                                                    options.deadline));
  Race race(co_await this_loop(), std::move(endpoint), options);
  co_return co_await race.run(std::move(addresses));
}

}  // namespace sockx

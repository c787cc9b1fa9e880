#include "net/stream/race.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.hpp"
#include "flow/stream.hpp"
#include "flow/task_group.hpp"
#include "os/calls.hpp"

namespace sockx {

namespace {

/// A blackhole or prohibit route answers with an errno that, for an address that was just resolved, can only
/// mean that there is no way there.
int meaning_of(int error, const Address& address) {
  if (address.family() == AF_UNIX || address.family() == AF_VSOCK) return error;
  return error == EINVAL || error == EACCES ? EHOSTUNREACH : error;
}

/// Two SYNs that cross are one connection (RFC 9293, section 3.5). So a socket whose own port is the port
/// that it connects to is connected to itself: there is no listener.
bool is_connected_to_itself(const Socket& socket, const Address& called) {
  if (called.family() != AF_INET && called.family() != AF_INET6) return false;
  const auto local = socket.local();
  return local.port() == called.port() && local.to_string() == socket.peer().to_string();
}

/// 0 when the connection was made. Without a hang-up it was. SO_ERROR is not read then, because reading
/// clears it, and a reset that comes in this moment must be left for the reader. It was made, too, if the
/// peer sent bytes before a reset: the reader gets the bytes, and then the reset.
int outcome_of(Socket& socket, Stream& stream) {
  if (!stream.watch().is_hung_up()) return 0;
  try {
    const auto waiting = stream.look_ahead();
    return waiting.state == IoResult::State::moved ? 0 : socket.take_error();
  } catch (const Error& error) {
    return error.number();
  }
}

class Race {
 public:
  Race(EventLoop& loop, const DialOptions& options, Socket* spare)
      : loop_(loop), options_(options), spare_(spare) {}

  Task<RaceResult> run(const std::vector<Address>& addresses) {
    if (addresses.size() == 1) {
      result_.tried = 1;
      co_await attempt(addresses.front());
      co_return std::move(result_);
    }
    TaskGroup attempts(loop_);
    for (const auto& address : addresses) {
      attempts.spawn(attempt(address));
      ++result_.tried;
      co_await attempts.next_end(std::min(options_.deadline, after(options_.attempt_delay)));
      if (is_over()) break;
    }
    while (!is_over() && attempts.running() > 0) {
      co_await attempts.next_end(options_.deadline);
    }
    co_return std::move(result_);
  }

 private:
  bool is_over() const { return result_.winner || loop_.now() >= options_.deadline; }

  Task<> attempt(Address address) {
    options_.tell({DialEvent::Kind::trying, address});
    const auto& stream = options_.stream;
    Socket socket;
    std::unique_ptr<SocketFile> source_file;  // not needed after the connection is made
    try {
      if (spare_ != nullptr) socket = std::exchange(*spare_, {});
      if (!socket) {
        socket = open_socket(address.family(), stream);
        prepare_dialing(socket, address, stream);
        const auto source = stream.source ? stream.source->in_family(address.family()) : std::nullopt;
        if (source) {
          const auto lock = co_await lock_name(*source, options_.deadline);
          source_file = bind_source(socket, *source);
        }
      }
    } catch (const Error& error) {
      if (is_shortage(error)) throw;
      note_failure(address, 0, std::current_exception(), error.what());
      co_return;
    } catch (const BadInput& error) {
      note_failure(address, 0, std::current_exception(), error.what());
      co_return;
    }
    const int error = co_await connect(socket, address);
    if (error != 0) {
      if (is_reusable_) *spare_ = std::move(socket);
      note_failure(address, error, nullptr, strerror(error));
      co_return;
    }
    prepare_connected(socket.fd(), stream);
    options_.tell({DialEvent::Kind::connected, address, 0, {}, stream.mptcp && socket.uses_mptcp()});
    if (result_.winner) co_return;
    result_.winner = std::move(socket);
    result_.peer = address;
  }

  /// 0, or why there is no connection; ETIMEDOUT at the deadline.
  Task<int> connect(Socket& socket, const Address& address) {
    int error = socket.connect(address);
    while (error == EAGAIN && address.family() == AF_UNIX) {  // the listener's backlog is full: unix(7)
      if (Clock::now() >= options_.deadline) co_return ETIMEDOUT;
      co_await loop_.sleep_until(std::min(options_.deadline, after(std::chrono::milliseconds(10))));
      error = socket.connect(address);
    }
    if (error == EINPROGRESS && spare_ != nullptr) {
      error = socket.connect(address);  // tells over loopback, where a refusal is there already
      is_reusable_ = error == ECONNREFUSED;
    }
    if (error == EINPROGRESS || error == EALREADY) {
      Descriptor facts{socket.fd(), address.to_string(), Origin::peer, Descriptor::Kind::socket};
      auto stream = Stream::borrow(loop_, std::move(facts));
      const bool in_time = co_await stream.writable(options_.deadline);
      error = in_time ? outcome_of(socket, stream) : ETIMEDOUT;
    }
    if (error != 0) co_return meaning_of(error, address);
    if (!is_connected_to_itself(socket, address)) co_return 0;
    set_reset_on_close(socket.fd(), true);  // leave no TIME_WAIT in the way
    co_return ECONNREFUSED;
  }

  void note_failure(const Address& address, int error, std::exception_ptr failure, const char* reason) {
    options_.tell({DialEvent::Kind::failed, address, error, reason});
    if (result_.error != 0 || result_.failure) return;
    result_.address = address;
    result_.error = error;
    result_.failure = std::move(failure);
  }

  EventLoop& loop_;
  const DialOptions& options_;
  Socket* const spare_;  // null with several addresses
  bool is_reusable_ = false;
  RaceResult result_;
};

}  // namespace

Task<RaceResult> race(const std::vector<Address>& addresses, const DialOptions& options, Socket* spare) {
  Race running(co_await this_loop(), options, addresses.size() == 1 ? spare : nullptr);
  co_return co_await running.run(addresses);
}

}  // namespace sockx

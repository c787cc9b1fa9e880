// Both ends of a verified transfer in one process, over connections that may be damaged or cut.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../../support/connections.hpp"
#include "../../support/descriptors.hpp"
#include "../../support/far_ends.hpp"
#include "../../support/files.hpp"
#include "commands/transfer/verified.hpp"
#include "flow/event_loop.hpp"
#include "flow/task_group.hpp"
#include "flow/watch.hpp"
#include "os/signals.hpp"
#include "transfer/verified/receiver.hpp"
#include "transfer/verified/sender.hpp"

namespace test {

/// What both ends say of a transfer: their tallies, and how they failed if they did.
struct Outcome {
  sockx::TransferTally sent, received;
  std::exception_ptr sender_failure, receiver_failure;
  std::uint64_t moved_onward = 0, moved_back = 0;  // bytes, where there is a Path

  bool is_success() const {
    return !sender_failure && !receiver_failure && !sent.first_failure && !received.first_failure;
  }
};

inline sockx::Task<> keep_failure(sockx::Task<> task, std::exception_ptr& failure) {
  try {
    co_await std::move(task);
  } catch (...) {
    failure = std::current_exception();
  }
}

/// What lies between the two, and does what an address translator with bad memory does.
class Path {
 public:
  static constexpr auto never = std::numeric_limits<std::uint64_t>::max();
  struct Fault {
    std::uint64_t cut_at = never;                  // bytes in both directions, over all connections
    std::uint64_t flip_at = never;                 // a byte on its way to the receiver
    std::uint64_t flip_back_at = never;            // a byte on its way to the sender
    std::function<void(std::uint64_t)> look = {};  // is called with each new number of bytes to the receiver
  };
  struct Counts {
    std::uint64_t onward = 0, back = 0;
  };

  Path(sockx::EventLoop& loop, Fault fault) : loop_(loop), fault_(std::move(fault)), carriers_(loop) {}
  const Counts& counts() const { return counts_; }
  /// The two outer ends of a new connection.
  SocketEnds connect() {
    auto near = tcp_pair(), far = tcp_pair();
    auto& link = links_.emplace_back(loop_, std::move(near.theirs), std::move(far.ours));
    carriers_.spawn(carry(link.left, link.right, counts_.onward, fault_.flip_at));
    carriers_.spawn(carry(link.right, link.left, counts_.back, fault_.flip_back_at));
    if (is_cut_) cut();
    return {std::move(near.ours), std::move(far.theirs)};
  }

 private:
  sockx::Task<> carry(FarEnd& from, FarEnd& to, std::uint64_t& count, std::uint64_t flip_at) {
    std::array<char, 32 * 1024> buffer;
    for (;;) {
      const auto room = std::min<std::uint64_t>(buffer.size(), fault_.cut_at - counts_.onward - counts_.back);
      if (room == 0) {
        cut();
        co_return;
      }
      const auto got = read(from.fd.get(), buffer.data(), static_cast<std::size_t>(room));
      if (got < 0 && errno == EAGAIN) {
        from.watch.forget_readable();
        co_await from.watch.readable();
        continue;
      }
      if (got <= 0) break;
      const auto size = static_cast<std::uint64_t>(got);
      if (flip_at >= count && flip_at - count < size) buffer[flip_at - count] ^= 0x10;
      count += size;
      if (fault_.look) fault_.look(counts_.onward);
      for (std::size_t done = 0; done < size;) {
        const auto put = send(to.fd.get(), buffer.data() + done, size - done, MSG_NOSIGNAL);
        if (put < 0 && errno == EAGAIN) {
          to.watch.forget_writable();
          co_await to.watch.writable();
        } else if (put < 0) {
          break;
        } else {
          done += static_cast<std::size_t>(put);
        }
      }
    }
    shutdown(to.fd.get(), SHUT_WR);
  }

  void cut() {
    is_cut_ = true;
    for (const auto& link : links_)
      for (const int fd : {link.left.fd.get(), link.right.fd.get()}) shutdown(fd, SHUT_RDWR);
  }

  struct Link {
    Link(sockx::EventLoop& loop, UniqueFd near, UniqueFd far)
        : left(loop, std::move(near)), right(loop, std::move(far)) {}
    FarEnd left, right;
  };
  sockx::EventLoop& loop_;
  Fault fault_;
  Counts counts_;
  bool is_cut_ = false;
  std::list<Link> links_;
  sockx::TaskGroup carriers_;  // goes first
};

/// `strangers` come in place of further connections, before them.
inline Outcome transfer(sockx::VerifiedSendOptions send, sockx::VerifiedReceiveOptions receive,
                        std::optional<Path::Fault> fault = {}, std::list<UniqueFd> strangers = {}) {
  using namespace sockx;
  ignore_signals_that_calls_report();  // as the program does: sendfile(2) cannot be asked for it
  send.names = receive.names = verified_flag_names;
  Outcome outcome;
  EventLoop loop;
  std::optional<Path> path;
  if (fault) path.emplace(loop, std::move(*fault));
  const auto connect = [&] { return path ? path->connect() : tcp_pair(); };
  std::vector<UniqueFd> others;  // the receiver's ends of further connections
  auto first = connect();
  const auto dial = [&]() -> Task<Connection> {
    if (!strangers.empty()) {
      auto stranger = std::move(strangers.front());
      strangers.pop_front();
      co_return connection(loop, std::move(stranger), "a stranger");
    }
    auto pair = connect();
    others.push_back(std::move(pair.theirs));
    co_return connection(loop, std::move(pair.ours), "the receiver");
  };
  const auto accept = [&](SessionId) -> Task<Connection> {
    while (others.empty()) co_await loop.next_turn();
    auto fd = std::move(others.front());
    others.erase(others.begin());
    co_return connection(loop, std::move(fd), "the sender");
  };
  auto sending = send_verified(connection(loop, std::move(first.ours), "the receiver"), dial, std::move(send),
                               outcome.sent);
  auto receiving = receive_verified(connection(loop, std::move(first.theirs), "the sender"), accept,
                                    std::move(receive), outcome.received);
  loop.run(all(keep_failure(std::move(sending), outcome.sender_failure),
               keep_failure(std::move(receiving), outcome.receiver_failure)));
  if (path) outcome.moved_onward = path->counts().onward;
  if (path) outcome.moved_back = path->counts().back;
  return outcome;
}

}  // namespace test

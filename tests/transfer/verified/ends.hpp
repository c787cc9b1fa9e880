// Both ends of a verified transfer in one process, over a connection between them.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "../../support/descriptors.hpp"
#include "../../support/files.hpp"
#include "flow/event_loop.hpp"
#include "flow/task_group.hpp"
#include "transfer/verified/receiver.hpp"
#include "transfer/verified/sender.hpp"

namespace test {

/// What both ends say of a transfer: their tallies, and how they failed if they did.
struct Outcome {
  sockx::TransferTally sent, received;
  std::exception_ptr sender_failure, receiver_failure;

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

inline Outcome transfer(sockx::VerifiedSendOptions send, sockx::VerifiedReceiveOptions receive) {
  using namespace sockx;
  Outcome outcome;
  EventLoop loop;
  std::vector<UniqueFd> others;  // the receiver's ends of further connections
  auto first = tcp_pair();
  const auto dial = [&]() -> Task<PeerSocket> {
    auto pair = tcp_pair();
    others.push_back(std::move(pair.theirs));
    co_return PeerSocket{Socket(std::move(pair.ours)), "the receiver"};
  };
  const auto accept = [&]() -> Task<PeerSocket> {
    while (others.empty()) co_await loop.next_turn();
    auto fd = std::move(others.front());
    others.erase(others.begin());
    co_return PeerSocket{Socket(std::move(fd)), "the sender"};
  };
  auto sending =
      send_verified({Socket(std::move(first.ours)), "the receiver"}, dial, std::move(send), outcome.sent);
  auto receiving = receive_verified({Socket(std::move(first.theirs)), "the sender"}, accept,
                                    std::move(receive), outcome.received);
  loop.run(all(keep_failure(std::move(sending), outcome.sender_failure),
               keep_failure(std::move(receiving), outcome.receiver_failure)));
  return outcome;
}

}  // namespace test

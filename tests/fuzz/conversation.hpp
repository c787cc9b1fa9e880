// A peer that says the input, for fuzz targets of what reads from a Stream.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <exception>
#include <string>
#include <vector>

#include "flow/event_loop.hpp"
#include "flow/stream.hpp"
#include "flow/task_group.hpp"
#include "os/calls.hpp"
#include "support.hpp"

namespace fuzz {

/// What has become of a conversation.
struct Outcome {
  std::string result;  // in words: what was understood, or that it was refused
  std::string left;    // the bytes of the peer that were not read
  bool operator==(const Outcome&) const = default;
};

inline constexpr std::size_t most_bytes = 100'000;  // of a peer: a socket holds them all

/// The peer says one piece in a turn of the loop, and then its end.
inline sockx::Task<> say(const sockx::UniqueFd& fd, const std::vector<Bytes>& pieces) {
  constexpr std::size_t most_pieces = 100;  // each costs a socket more than its bytes
  auto& loop = co_await sockx::this_loop();
  std::vector<std::byte> rest;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (i >= most_pieces) {
      rest.insert(rest.end(), pieces[i].begin(), pieces[i].end());
      continue;
    }
    assert(write(fd.get(), pieces[i].data(), pieces[i].size()) == static_cast<ssize_t>(pieces[i].size()));
    co_await loop.next_turn();
  }
  if (!rest.empty()) assert(write(fd.get(), rest.data(), rest.size()) == static_cast<ssize_t>(rest.size()));
  assert(shutdown(fd.get(), SHUT_WR) == 0);
}

/// Runs `read`, which returns a Task<std::string>, with such a peer. What it throws is a result as well; it
/// must be an exception of the standard library or of ours, with a message that is safe to be shown.
template <class Read>
Outcome converse(const std::vector<Bytes>& pieces, Read read) {
  int ends[2];
  assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
  sockx::EventLoop loop;
  sockx::Stream stream(loop, sockx::UniqueFd(ends[0]), "the peer", sockx::Origin::peer);
  const sockx::UniqueFd far(ends[1]);
  Outcome outcome;
  const auto note = [](sockx::Task<std::string> task, std::string& result) -> sockx::Task<> {
    try {
      auto understood = co_await std::move(task);
      result = std::move(understood);
    } catch (const std::exception& failure) {
      const std::string message = failure.what();
      assert(sockx::one_line(message) == message);
      assert(message.size() < 2000);
      result = "refused";  // a message may quote what has come so far
    }
  };
  loop.run(all(note(read(stream), outcome.result), say(far, pieces)));
  std::array<char, 4096> buffer;
  for (ssize_t got = 0; (got = recv(ends[0], buffer.data(), buffer.size(), MSG_DONTWAIT)) > 0;)
    outcome.left.append(buffer.data(), static_cast<std::size_t>(got));
  return outcome;
}

/// However the input is cut, the result is the same, and so is where reading stopped. Returns it.
template <class Read>
Outcome read_in_pieces(Bytes input, Read read) {
  const auto pieces = pieces_of(input);
  const auto whole = joined(pieces);
  const std::vector<Bytes> at_once{Bytes(whole)};
  const auto outcome = converse(whole.empty() ? std::vector<Bytes>() : at_once, read);
  assert(converse(pieces, read) == outcome);
  assert(string_of(whole).ends_with(outcome.left));
  return outcome;
}

}  // namespace fuzz

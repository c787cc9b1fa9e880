// A proxy that gives a fixed answer, for tests of the client's side.
#pragma once

#include <sys/socket.h>

#include <exception>
#include <string>

#include "../../support/descriptors.hpp"
#include "../../support/far_ends.hpp"
#include "flow/event_loop.hpp"
#include "flow/stream.hpp"

namespace test {

/// Writes the bytes, one in each turn of the loop, and then its end.
inline Task<> trickle(FarEnd& to, std::string bytes) {
  auto& loop = co_await this_loop();
  for (const char byte : bytes) {
    put(to.fd.get(), {&byte, 1});
    co_await loop.next_turn();
    co_await loop.next_turn();
  }
  shutdown(to.fd.get(), SHUT_WR);
}

/// What has come of it.
struct Asked {
  std::string sent;            // to the proxy
  std::string rest;            // of the answer, left in the socket
  std::exception_ptr failure;  // null for none
  bool is_plain = false;

  /// What the failure says.
  std::string reason() const {
    try {
      if (failure) std::rethrow_exception(failure);
    } catch (const std::exception& error) {
      return error.what();
    }
    return "";
  }
};

/// `ask(stream)` is the task. The answer comes as a whole before it begins, or byte by byte.
template <class Ask>
Asked ask_with_answer(const std::string& answer, bool trickles, Ask ask) {
  auto sockets = tcp_pair();
  sockx::EventLoop loop;
  sockx::Stream stream(loop, std::move(sockets.ours), "peer", sockx::Origin::peer);
  FarEnd far(loop, std::move(sockets.theirs));
  Task<> answering = trickle(far, trickles ? answer : "");
  if (trickles) {
    answering.start(loop);
  } else {
    put(far.fd.get(), answer);
    shutdown(far.fd.get(), SHUT_WR);
  }
  Asked asked;
  try {
    loop.run(ask(stream));
  } catch (...) {
    asked.failure = std::current_exception();
  }
  asked.sent = read_available(far.fd.get());
  if (!trickles) asked.rest = read_available(stream.facts().fd);
  asked.is_plain = stream.is_plain();
  return asked;
}

}  // namespace test

#include "net/tls/start_tls.hpp"

#include <algorithm>
#include <exception>
#include <functional>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/tls/tls_transform.hpp"
#include "os/calls.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

constexpr Duration time_for_alert = 1s;

Task<> shake_hands(Stream& stream, TlsTransform& tls, Deadline deadline) {
  for (;;) {
    const auto step = tls.handshake();
    bool in_time = true;
    switch (step) {
      case TlsTransform::Step::done:
        co_return;
      case TlsTransform::Step::wants_input:
        stream.watch().forget_readable();
        in_time = co_await stream.readable(deadline);
        break;
      case TlsTransform::Step::wants_output:
        stream.watch().forget_writable();
        in_time = co_await stream.writable(deadline);
        break;
    }
    if (!in_time) throw TimedOut("the handshake");
  }
}

/// Until the peer has closed, so that our own close is no reset, which could overtake the alert.
Task<> wait_for_peer(Stream& stream, TlsTransform& tls, Deadline deadline) {
  auto& loop = co_await this_loop();
  for (;;) {
    const auto got = tls.drop_wire(loop.scratch());
    if (got.state == IoResult::State::eof || loop.now() >= deadline) co_return;
    if (got.state == IoResult::State::moved) {
      co_await loop.next_turn();
      continue;
    }
    stream.watch().forget_readable();
    const bool in_time = co_await stream.readable(deadline);
    if (!in_time) co_return;
  }
}

/// The peer learns why: the alert, and then FIN.
Task<> let_alert_arrive(Stream& stream, TlsTransform& tls, Deadline deadline) {
  try {
    co_await stream.finish_writing(deadline);
    co_await wait_for_peer(stream, tls, deadline);
  } catch (const std::exception&) {  // the connection is of no use any more
  }
}

Task<> secure(Connection& connection, std::shared_ptr<const TlsContext> context, std::string peer,
              std::function<void(const Connection&)> tell, Deadline deadline) {
  auto& stream = connection.stream;
  if (peer.empty()) peer = connection.name();
  // Records are gathered here. Nagle's algorithm would have the first data wait until the peer's kernel has
  // acknowledged the end of the handshake, which may take it 40 ms.
  if (!connection.is_adopted) send_without_delay(stream.facts());
  TlsTransform* tls = nullptr;
  stream.transform_by([&](RawEnd raw) {
    auto made = std::make_unique<TlsTransform>(std::move(raw), context, peer);
    tls = made.get();
    return made;
  });
  std::exception_ptr failure;
  try {
    co_await shake_hands(stream, *tls, deadline);
  } catch (const TlsError&) {
    failure = std::current_exception();
  } catch (const TimedOut&) {
    throw TimedOut(text("TLS {}: the handshake timed out", peer));
  }
  if (failure) {
    co_await let_alert_arrive(stream, *tls, std::min(deadline, after(time_for_alert)));
    std::rethrow_exception(failure);
  }
  connection.tls = std::make_shared<TlsFacts>(tls->facts());
  if (tell) tell(connection);
}

}  // namespace

Layer start_tls(std::shared_ptr<const TlsContext> context, std::string peer,
                std::function<void(const Connection&)> tell) {
  return [context = std::move(context), peer = std::move(peer), tell = std::move(tell)](
             Connection& connection, Deadline deadline) {
    return secure(connection, context, peer, tell, deadline);
  };
}

}  // namespace sockx

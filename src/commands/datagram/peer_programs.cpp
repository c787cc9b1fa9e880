#include "commands/datagram/peer_programs.hpp"

#include <algorithm>

#include "base/on_exit.hpp"
#include "base/text.hpp"
#include "cli/units.hpp"
#include "datagram/exchange.hpp"
#include "flow/idle_timeout.hpp"
#include "serve/client.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t most_waiting = 256 * 1024;  // bytes for a program that does not read
constexpr std::size_t most_unsent = 64 * 1024;    // bytes of a program's answers that wait for the socket
constexpr std::size_t overhead = 64;              // bytes that a datagram which waits takes beside its own

/// The local address that the datagram was sent to, where the kernel tells it.
Address destination_of(const Datagram& train, const Address& local) {
  if (!train.destination || !local.is_any()) return local;
  return train.destination->with_port(static_cast<std::uint16_t>(local.port()));
}

/// Of a session: the bytes of the peer's address, and of ours, where the kernel does not choose it.
std::string key_of(const Datagram& train) {
  std::string key(train.source.bytes());
  if (const auto* const local = train.answer_source()) key += local->bytes();
  return key;
}

}  // namespace

struct PeerPrograms::Session {
  Session(EventLoop& loop, const PeerProgramsOptions& options, const Datagram& train)
      : key(key_of(train)),
        path(train.source, train.answer_source()),
        peer(path.to),
        local(destination_of(train, options.local)),
        framer(options.framing, limit_of_datagram(train.source, options.most_of_unix)),
        changed(loop) {}

  std::uint64_t number = 0;
  const std::string key;
  const AnswerPath path;
  const Address& peer;
  const Address local;
  std::shared_ptr<void> place;
  Framer framer;
  Notification changed;  // of `waiting`, `refusal`
  std::deque<std::vector<std::byte>> waiting;
  std::size_t waiting_bytes = 0;
  std::shared_ptr<std::size_t> unsent = std::make_shared<std::size_t>(0);
  Clock::time_point begun = Clock::now(), last = begun;
  DatagramCount received, sent;
  std::uint64_t dropped = 0;
  bool takes_input = true, has_started = false, has_exited = false, has_failed = false;
  bool is_complete = false;  // it has ended by itself, or was idle
  std::string refusal, ending{server_has_stopped};
};

PeerPrograms::PeerPrograms(Context& context, PeerProgramsOptions options, std::uint64_t& unserved)
    : context_(context),
      loop_(context.loop()),
      options_(std::move(options)),
      unserved_(unserved),
      came_(loop_),
      answers_came_(loop_),
      answers_went_(loop_),
      session_ended_(loop_),
      ender_(loop_),
      sessions_(loop_) {}

PeerPrograms::~PeerPrograms() = default;

PeerPrograms::Session* PeerPrograms::session_of(const Datagram& train) {
  if (const auto known = by_peer_.find(key_of(train)); known != by_peer_.end()) return known->second;
  if (in_use_ >= options_.most) {
    tell_shortage();
    return nullptr;
  }
  auto& session = to_start_.emplace_back(std::make_unique<Session>(loop_, options_, train));
  session->number = ++count_;
  ++in_use_;
  session->place = std::shared_ptr<void>(this, [this](void*) { --in_use_; });
  by_peer_.emplace(session->key, session.get());
  came_.notify();
  return session.get();
}

void PeerPrograms::take(const Datagram& train, std::span<const std::byte> bytes) {
  auto* const session = session_of(train);
  if (session == nullptr) {
    ++unserved_;
    return;
  }
  const auto size = bytes.size() + overhead;
  const bool has_room = session->waiting.empty() || session->waiting_bytes + size <= most_waiting;
  if (!session->takes_input || !has_room) {
    ++unserved_;
    ++session->dropped;
    return;
  }
  session->waiting.emplace_back(bytes.begin(), bytes.end());
  session->waiting_bytes += size;
  session->changed.notify();
}

void PeerPrograms::note_refusal(const Address& peer, const std::string& reason) {
  const auto bytes = peer.bytes();
  for (auto known = by_peer_.lower_bound(bytes); known != by_peer_.end(); ++known) {
    auto& [key, session] = *known;
    if (!key.starts_with(bytes)) break;
    if (!(session->peer == peer)) continue;
    session->refusal = reason;
    session->changed.notify();
  }
}

std::optional<PeerService::Answer> PeerPrograms::next_answer() {
  if (answers_.empty()) return {};
  auto [answer, unsent] = std::move(answers_.front());
  answers_.pop_front();
  *unsent -= answer.bytes.size() + overhead;
  answers_went_.notify();
  return std::move(answer);
}

Task<> PeerPrograms::wait_for_answer() {
  while (answers_.empty()) {
    co_await answers_came_.wait();
  }
}

/// One program in each turn of the loop: starting one takes a while.
Task<> PeerPrograms::run() {
  for (;;) {
    while (to_start_.empty()) {
      co_await came_.wait();
    }
    auto session = std::move(to_start_.front());
    to_start_.pop_front();
    sessions_.spawn(serve(std::move(session)));
    co_await loop_.next_turn();
  }
}

Task<> PeerPrograms::finish() {
  is_finishing_ = true;
  for (auto& [key, session] : by_peer_) session->changed.notify();
  while (!by_peer_.empty()) {
    co_await session_ended_.wait();
  }
  while (!answers_.empty()) {
    co_await answers_went_.wait();
  }
}

Task<> PeerPrograms::serve(std::unique_ptr<Session> owned) {
  auto& session = *owned;
  const OnExit closing([&] {
    drop_waiting(session);
    if (session.has_started || session.has_failed) tell_ended(session);
    by_peer_.erase(by_peer_.find(session.key));
    session_ended_.notify();
  });
  try {
    co_await converse(session);
  } catch (const std::exception& error) {
    session.ending = error.what();
    session.has_failed = true;
  }
}

Task<> PeerPrograms::converse(Session& session) {
  Program program(loop_, options_.call, peer_environment(session.peer, session.local, options_.protocol));
  const OnExit ending([&] {
    if (auto child = program.release()) ender_.end(std::move(child), session.place);
  });
  session.has_started = true;
  session.begun = session.last = loop_.now();
  tell_started(session);
  auto streams = program.duplex();
  std::vector<Task<>> tasks;
  tasks.push_back(wait_for_exit(session, program));
  tasks.push_back(watch_for_end(session));
  tasks.push_back(write_datagrams(session, streams.out));
  tasks.push_back(read_answers(session, streams.in));
  co_await any(std::move(tasks));
  if (!session.has_exited) co_return;
  co_await read_answers(session, streams.in);
  const auto end = co_await program.wait(1s, never);
  session.has_failed = !end.how.is_success();
  session.is_complete = end.how.is_success();
  session.ending = end.how.is_success() ? "complete" : text("{} {}", program.name(), end.how.to_string());
}

Task<> PeerPrograms::write_datagrams(Session& session, Stream& input) {
  for (;;) {
    while (session.waiting.empty() && !is_finishing_) {
      co_await session.changed.wait();
    }
    if (session.waiting.empty()) break;
    auto writing = input.write_all(session.waiting.front());
    const auto failure = co_await outcome_of(std::move(writing));
    if (failure) break;  // it has closed its input
    session.received.datagrams += 1;
    session.received.bytes += session.waiting.front().size();
    session.waiting_bytes -= session.waiting.front().size() + overhead;
    session.waiting.pop_front();
    session.last = loop_.now();
  }
  session.takes_input = false;
  drop_waiting(session);
  input.close();
  co_await loop_.sleep_until(never);
}

/// Until the program has ended, what it writes; after that, what is left of it.
Task<> PeerPrograms::read_answers(Session& session, Stream& output) {
  auto& framer = session.framer;
  for (;;) {
    while (*session.unsent >= most_unsent) {
      co_await answers_went_.wait();
    }
    if (auto record = framer.take()) {
      give_answer(session, std::move(*record));
      continue;
    }
    if (framer.has_ended()) break;
    const auto buffer = loop_.scratch();
    const auto got = output.read_some(buffer);
    if (got.state == IoResult::State::moved) {
      framer.put(buffer.first(got.bytes));
    } else if (got.state == IoResult::State::eof || session.has_exited) {
      framer.end();
    } else {
      co_await output.readable();
    }
  }
  if (!session.has_exited) {
    co_await loop_.sleep_until(never);
  }
}

Task<> PeerPrograms::wait_for_exit(Session& session, const Program& program) {
  Watch end(loop_, program.end_fd());
  co_await end.readable();
  session.has_exited = true;
}

/// Until the program is to be ended.
Task<> PeerPrograms::watch_for_end(Session& session) {
  for (;;) {
    const auto idle = loop_.now() - session.last;
    if (!session.refusal.empty()) {
      session.ending = session.refusal;
      co_return;
    }
    if (idle >= options_.idle_timeout) {
      session.ending = no_byte_within(options_.idle_timeout);
      session.is_complete = true;
      co_return;
    }
    const auto due = after(options_.idle_timeout - idle);
    co_await session.changed.wait(due);
  }
}

void PeerPrograms::give_answer(Session& session, std::vector<std::byte> bytes) {
  session.sent.datagrams += 1;
  session.sent.bytes += bytes.size();
  session.last = loop_.now();
  *session.unsent += bytes.size() + overhead;
  answers_.push_back({{session.path, std::move(bytes)}, session.unsent});
  answers_came_.notify();
}

void PeerPrograms::drop_waiting(Session& session) {
  session.dropped += session.waiting.size();
  unserved_ += session.waiting.size();
  session.waiting.clear();
  session.waiting_bytes = 0;
}

void PeerPrograms::tell_started(const Session& session) {
  const auto peer = shown_address(session.peer);
  context_.log.info("program {} for {}", session.number, peer);
  context_.report.event("accepted", {{"number", session.number}, {"peer", peer}, {"programs", in_use_}});
}

void PeerPrograms::tell_ended(const Session& session) {
  const auto span = Clock::now() - session.begun;
  const auto peer = shown_address(session.peer);
  const auto told =
      text("program {} for {} ended after {}: received {}, sent {}, dropped {}: {}", session.number, peer,
           show_duration(span), counted(session.received.datagrams, "datagram"), session.sent.datagrams,
           session.dropped, session.ending);
  if (!session.has_failed)
    context_.log.info("{}", told);
  else if (limit_.admits(loop_.now()))
    context_.log.warn("{}", told);
  context_.report.event("closed", {{"number", session.number},
                                   {"peer", peer},
                                   {"received", session.received.datagrams},
                                   {"received_bytes", session.received.bytes},
                                   {"sent", session.sent.datagrams},
                                   {"sent_bytes", session.sent.bytes},
                                   {"dropped", session.dropped},
                                   {"seconds", seconds(span)},
                                   {"reason", session.ending},
                                   {"complete", session.is_complete}});
}

void PeerPrograms::tell_shortage() {
  if (!limit_.admits(loop_.now())) return;
  const auto reason = text("{} for the most that may run at once", counted(in_use_, "program"));
  context_.log.warn("{}: datagrams of other peers are dropped until one ends", reason);
  context_.report.event("shortage", {{"reason", reason}});
}

}  // namespace sockx

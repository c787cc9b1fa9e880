// PeerPrograms: a program for each peer of a listener.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>

#include "cli/context.hpp"
#include "cli/log_limit.hpp"
#include "datagram/peer_service.hpp"
#include "flow/framing.hpp"
#include "flow/notification.hpp"
#include "flow/task_group.hpp"
#include "serve/program.hpp"

namespace sockx {

struct PeerProgramsOptions {
  ProgramCall call;
  Framing framing;            // cuts what a program writes into datagrams
  Duration idle_timeout;      // of each program
  std::size_t most;           // programs at once
  Address local;              // of the socket
  std::size_t most_of_unix;   // bytes of a datagram to a unix socket
  std::string_view protocol;  // for the environment
};

/// A peer that sends to two of our addresses is two. The datagrams of a peer go to the standard input of its
/// program, one after the other as they are. What the program does not read waits, a bounded number of bytes;
/// the rest is dropped, as a full socket would do. What the program writes is cut into datagrams for its
/// peer. The program is ended when it has neither taken nor written a datagram for the idle timeout, and when
/// its peer refuses an answer. When it has ended, the next datagram of the peer starts another.
class PeerPrograms : public PeerService, NonCopyable {
 public:
  /// `unserved` counts the datagrams that are dropped here.
  PeerPrograms(Context& context, PeerProgramsOptions options, std::uint64_t& unserved);
  ~PeerPrograms() override;

  void take(const Datagram& train, std::span<const std::byte> bytes) override;
  void note_refusal(const Address& peer, const std::string& reason) override;
  std::optional<Answer> next_answer() override;
  Task<> wait_for_answer() override;
  Task<> run() override;
  Task<> finish() override;

 private:
  struct Session;
  struct WaitingAnswer {
    Answer answer;
    std::shared_ptr<std::size_t> unsent;  // bytes of all answers of its program that wait
  };

  /// Null where there is no room for another.
  Session* session_of(const Datagram& train);
  Task<> serve(std::unique_ptr<Session> owned);
  Task<> converse(Session& session);
  Task<> write_datagrams(Session& session, Stream& input);
  Task<> read_answers(Session& session, Stream& output);
  Task<> wait_for_exit(Session& session, const Program& program);
  Task<> watch_for_end(Session& session);
  void give_answer(Session& session, std::vector<std::byte> bytes);
  void drop_waiting(Session& session);
  void tell_started(const Session& session);
  void tell_ended(const Session& session);
  void tell_shortage();

  Context& context_;
  EventLoop& loop_;
  PeerProgramsOptions options_;
  std::uint64_t& unserved_;
  std::uint64_t count_ = 0;  // of all programs that there were
  std::size_t in_use_ = 0;   // places: of programs that run, are to be started, or are being ended
  bool is_finishing_ = false;
  LogLimit limit_;
  Notification came_, answers_came_, answers_went_, session_ended_;
  std::deque<WaitingAnswer> answers_;
  std::map<std::string, Session*, std::less<>> by_peer_;  // see key_of()
  std::deque<std::unique_ptr<Session>> to_start_;
  ProgramEnder
      ender_;  // after the sessions, so that all their programs are asked to end before any is killed
  TaskGroup sessions_;
};

}  // namespace sockx

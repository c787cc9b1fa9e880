// The injector: makes one system call of the program under test fail, as SOCKX_FAULT asks, and tells by
// SOCKX_FAULT_REPORT, the number of a descriptor, what happened. It is linked around the calls of the whole
// program (ld's --wrap), which knows nothing of it.
//
// SOCKX_FAULT is KEY:N:FAULT. The key names a call and what it works on: "recv@socket", "splice@pipe>socket",
// "fcntl@F_SETPIPE_SZ"; what a forked child does before it becomes another program has "child/" before it.
// The N-th call of that key, or with N+ every one from the N-th on, meets the fault, which is the name of an
// errno, or
//   short, half   the call is made, with a size of 1 or of half of what was asked for
//   slow          the call is made, but takes a tenth of a second longer
//   nothing       epoll_wait(2) or poll(2) returns 0 at once
// The report has the lines "met KEY" for each key when its first call is made, "reached" when the fault is
// met, and when the program exits "open N TARGET" for each descriptor that was not open at the start.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace faults {

/// A call in the making.
struct Call {
  std::string key;
  int from = -1, to = -1;  // the descriptors that it works on
  std::size_t size = 0;    // the bytes asked for
  bool may_wait = false;   // so that EAGAIN is not among its answers
};

/// What the call meets.
struct Fault {
  enum class Kind { none, error, fewer, nothing };
  Kind kind = Kind::none;
  int error = 0;
  std::size_t size = 0;  // for Kind::fewer: what is left of the size
};

/// Counts the call and says what it meets. What an honest kernel would do besides has been done then: after
/// EAGAIN, or less than there was, the descriptors become ready anew, so that an edge-triggered epoll tells
/// of them; a connection that was reset is dead, for us and for its peer.
Fault meet(const Call& call);

/// What a dead connection answers: 0 for the end of the input, or an errno.
struct DeadAnswer {
  bool is_end;
  int error;
};
/// For a call on a connection that a fault has killed: nothing when it lives.
std::optional<DeadAnswer> answer_of_dead(const Call& call);
/// The error that waits on a dead connection, which this takes.
int take_pending_error(int fd);

void note_registration(int epoll, int operation, int fd, const void* event);
void note_close(int fd);
void note_child();
/// Bytes have been put into the file; the next close(2) of it is where some file systems say that there is no
/// room for them.
void note_written(int fd);
/// Whether that is so; asked once.
bool is_first_close_of_written(int fd);

/// "file", "folder", "pipe", "socket", "records" (SOCK_SEQPACKET), "listener", "device", or "other".
std::string kind_of(int fd);

}  // namespace faults

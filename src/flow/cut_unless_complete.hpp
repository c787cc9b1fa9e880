// CutUnlessComplete: resets a connection that is closed before its work is done, so that the peer does not
// see a normal end.
#pragma once

#include "base/non_copyable.hpp"
#include "os/calls.hpp"

namespace sockx {

/// Until complete() has been called, closing the connection resets it (SO_LINGER with a time of 0), also when
/// the process is killed; where the user has set SO_LINGER, only the destructor does so. A unix socket has no
/// reset. Borrows `socket`, which must still be open when this is destroyed.
class CutUnlessComplete : NonCopyable {
 public:
  explicit CutUnlessComplete(int socket) : socket_(socket), lingers_(has_linger(socket)) {
    if (!lingers_) set_reset_on_close(socket_, true);
  }
  ~CutUnlessComplete() {
    if (!is_complete_ && lingers_) set_reset_on_close(socket_, true);
  }

  void complete() {
    if (!is_complete_ && !lingers_) set_reset_on_close(socket_, false);
    is_complete_ = true;
  }
  /// Something has failed after complete().
  void fail() {
    if (is_complete_ && !lingers_) set_reset_on_close(socket_, true);
    is_complete_ = false;
  }
  /// Whether everything so far has been sent. When the work is dropped at such a moment, its owner
  /// decides whether it is complete.
  void note_caught_up(bool has = true) { has_caught_up_ = has; }
  bool has_caught_up() const { return has_caught_up_; }

 private:
  int socket_;
  bool lingers_;  // the user has said how it is closed
  bool is_complete_ = false, has_caught_up_ = false;
};

}  // namespace sockx

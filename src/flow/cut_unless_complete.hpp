// CutUnlessComplete: a connection that is closed before its work is done must not look like one that has
// ended.
#pragma once

#include "base/non_copyable.hpp"
#include "os/calls.hpp"

namespace sockx {

/// While it lives, the connection is reset when it is closed, however that comes, until complete() has been
/// called; SIGKILL is included, unless the user has set SO_LINGER. A unix socket knows no reset. Borrows
/// `socket`, which must still be open when this goes.
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
  /// Whether all that there is so far has been sent. When the work is dropped at such a moment, its owner
  /// decides whether it is complete.
  void note_caught_up(bool has = true) { has_caught_up_ = has; }
  bool has_caught_up() const { return has_caught_up_; }

 private:
  int socket_;
  bool lingers_;  // the user has said how it is closed
  bool is_complete_ = false, has_caught_up_ = false;
};

}  // namespace sockx

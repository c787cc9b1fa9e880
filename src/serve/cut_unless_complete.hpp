// CutUnlessComplete: whoever is left may not take what was cut for whole.
#pragma once

#include "os/calls.hpp"

namespace sockx {

/// From now on the connection is reset when it is closed, however that comes, until complete() has been said.
/// A unix socket knows no reset. Borrows `socket`.
class CutUnlessComplete {
 public:
  explicit CutUnlessComplete(int socket) : socket_(socket) { set_reset_on_close(socket_, true); }
  CutUnlessComplete(const CutUnlessComplete&) = delete;
  CutUnlessComplete& operator=(const CutUnlessComplete&) = delete;
  void complete() const { set_reset_on_close(socket_, false); }

 private:
  int socket_;
};

}  // namespace sockx

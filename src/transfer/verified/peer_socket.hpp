// PeerSocket: how a verified transfer gets another one beside its first.
#pragma once

#include <functional>
#include <string>

#include "flow/task.hpp"
#include "net/socket.hpp"

namespace sockx {

struct PeerSocket {
  Socket socket;
  std::string peer;
};

/// Dials, or accepts, as the first was come by.
using NextSocket = std::function<Task<PeerSocket>()>;

}  // namespace sockx

// recv_as_asked(): recv(2) with the flags of the user's choice.
#pragma once

#include <cstddef>
#include <vector>

#include "os/descriptor.hpp"

namespace sockx {

/// What the call came to.
struct SingleRecv {
  long returned = 0;             // with MSG_TRUNC it may exceed the bytes
  int error = 0;                 // the errno, when -1 was returned
  int flags = 0;                 // msg_flags of recvmsg(2): what the kernel says about the message
  std::vector<std::byte> bytes;  // none for TCP with MSG_TRUNC, which drops what it counts (tcp(7))
};

/// One recvmsg(2), which is recv(2) that also tells its msg_flags. It blocks if the socket does, and may be
/// called on any thread. Descriptors that come along are closed.
SingleRecv recv_as_asked(const Descriptor& from, std::size_t size, int flags);
/// Tells --trace of it.
void observe(const SingleRecv& call, const Descriptor& from, std::size_t size, int flags);

}  // namespace sockx

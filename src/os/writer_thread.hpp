// write_by_thread(): for a descriptor in blocking mode that cannot be opened anew.
#pragma once

#include <cstddef>

#include "os/unique_fd.hpp"

namespace sockx {

/// A stream socket; what is sent to it is written to `to`, which stays open, by a thread that may wait there
/// for ever. Once a write has failed, sending fails. A process that is forked shares it. Empty where no
/// thread or no sockets are to be had.
UniqueFd write_by_thread(int to);

/// How many bytes the thread has not written yet, or somewhat more; 0 once it has failed.
std::size_t unwritten(int socket);

}  // namespace sockx

// The standard streams, made ready for a loop without leaving a trace in the shell that lent them.
#pragma once

#include "os/descriptor.hpp"
#include "os/unique_fd.hpp"

namespace sockx {

/// Opens /dev/null for reading on whichever of the descriptors 0, 1 and 2 was closed at the start: what is
/// read ends at once, what is written fails as on a closed one. Call it first in main().
void fill_closed_standard_streams();

/// Where standard output or standard error is the very socket that standard input is, as inetd(8) has it,
/// /dev/null takes its place: what is said there would reach the peer. Throws Error.
void keep_words_from_peer();

/// Takes descriptor 0 or 1 over for non-blocking use. O_NONBLOCK belongs to the open file description, which
/// is shared with the shell, so a pipe or terminal is opened anew through /proc/self/fd and put in its own
/// place; where that is not possible (another user's pipe, a socket) the inherited one is kept as it is. A
/// regular file is never opened anew, because that would lose its offset and O_APPEND.
UniqueFd take_standard_input();
UniqueFd take_standard_output();

/// describe() for what the two above returned. Throws Error (EBADF) for a standard output that cannot be
/// written.
Descriptor describe_standard_stream(int fd);

/// Whether the terminal is this process's, and another job is in its foreground (tcgetpgrp(3)): to read it
/// now would stop us.
bool is_in_background(int terminal);

}  // namespace sockx

// The system calls that move bytes, wrapped: EINTR is retried, "would block" and end-of-file are values,
// faults are Errors that name the guilty end, and --trace sees every one of them. Outside os/ only flow/
// includes this: everything else moves bytes by the verbs of Stream, or by a Pump, so that a transform of the
// stream sees them all.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "os/descriptor.hpp"
#include "os/io_result.hpp"

namespace sockx {

/// What a call would find in `from`, without taking it: `moved` with at least 1 byte, `eof` or `again`. For
/// sockets, pipes and terminals; a file counts as not yet ended.
IoResult look_ahead(const Descriptor& from);
/// The first bytes that wait in a socket, which stay there: recv(2) with MSG_PEEK.
IoResult peek_socket(const Descriptor& from, std::span<std::byte> buffer);

// Sizes are bytes. All throw Error for a fault. Nothing here waits: sockets are called with MSG_DONTWAIT;
// what was inherited in blocking mode is polled before each call and written at most PIPE_BUF bytes at a
// time, and where that would not do, splice and sendfile count as refused.
IoResult read_some(const Descriptor& from, std::span<std::byte> buffer);  // read(2), recv(2)
/// write(2), or send(2) with `flags` and those of the descriptor.
IoResult write_some(const Descriptor& to, std::span<const std::byte> bytes, int flags = 0);
/// All the pieces, in their order, by one sendmsg(2) to a socket; no more than the first `most_gathered`.
constexpr std::size_t most_gathered = 64;
IoResult send_gathered(const Descriptor& to, std::span<const std::span<const std::byte>> pieces);
IoResult discard_some(const Descriptor& from, std::size_t most);  // recv(2) with MSG_TRUNC
IoResult splice_some(const Descriptor& from, const Descriptor& to, std::size_t most);    // splice(2)
IoResult sendfile_some(const Descriptor& from, const Descriptor& to, std::size_t most);  // sendfile(2)

/// Throws Error for a call on two descriptors, which fails with one errno: it names the guilty one.
[[noreturn]] void throw_error_of_two(int number, std::string_view call, const Descriptor& from,
                                     const Descriptor& to);

}  // namespace sockx

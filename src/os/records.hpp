// Records: the calls that move one whole message of a socket that keeps messages apart.
#pragma once

#include <cstddef>
#include <span>

#include "os/descriptor.hpp"
#include "os/io_result.hpp"

namespace sockx {

/// Lets the receiver tell an empty record from the end of the stream, which both read as 0 bytes: with
/// SO_PASSCRED every record of a unix socket, and only a record, has a control message. Other families have
/// no such sign, and there an empty record counts as the end.
void tell_empty_records_from_the_end(const Descriptor& socket);

/// Sends `record`, which may be empty, as one message: `moved` with its size, or `again`. Throws Error, for a
/// record that is larger than the socket takes (EMSGSIZE) with both sizes in it. See send(2).
IoResult send_record(const Descriptor& to, std::span<const std::byte> record);

/// The most bytes that one message of a unix socket may have, by its SO_SNDBUF: socket(7).
std::size_t longest_record(const Descriptor& to);

/// Receives one message into `buffer`: `moved` with its size, which may be 0, `again` or `eof`. Throws Error;
/// for a record that did not fit, of which the rest is lost, EMSGSIZE with both sizes in it. See recvmsg(2).
IoResult receive_record(const Descriptor& from, std::span<std::byte> buffer);

/// The same without keeping anything of it.
IoResult drop_record(const Descriptor& from);

}  // namespace sockx

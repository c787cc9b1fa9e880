// Sending without a copy: send(2) with MSG_ZEROCOPY, and the notices by which a socket says that it needs the
// pages no more. See Documentation/networking/msg_zerocopy.rst of the kernel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "os/descriptor.hpp"
#include "os/io_result.hpp"

namespace sockx {

/// Sets SO_ZEROCOPY. False where the socket does not know it, or is one for which somebody else has set it,
/// and so has begun to count; errno says why.
bool enable_zero_copy(const Descriptor& socket);

/// The sends of a socket that came to something are numbered from 0 on; this one takes the next number when
/// it has moved anything. `eof` means that the memory is not there any more (EFAULT: a mapped file has become
/// shorter), `refused` that there is no room to keep account of another (ENOBUFS).
IoResult send_from_our_pages(const Descriptor& socket, std::span<const std::byte> bytes);

/// These sends are over, both ends of the range included: the peer has acknowledged them.
struct SentNotice {
  std::uint32_t first = 0, last = 0;
  bool copied = false;  // the kernel made a copy all the same (SO_EE_CODE_ZEROCOPY_COPIED)
};
/// The next notice that waits in the socket's error queue; nothing when there is none.
std::optional<SentNotice> next_sent_notice(const Descriptor& socket);

}  // namespace sockx

// The messages of a verified transfer, and their frames: sockx-transfer(7) has every byte.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "transfer/verified/digest.hpp"
#include "transfer/verified/ranges.hpp"

namespace sockx {

constexpr std::uint16_t oldest_version = 1, newest_version = 2;  // of the protocol
constexpr std::uint16_t version_with_links = 2;
constexpr std::size_t frame_header_size = 16;
constexpr std::size_t frame_digest_size = 16;    // behind the body
constexpr std::size_t largest_body = 64 * 1024;  // of a message, without payload
constexpr std::size_t largest_chunk = 4 << 20;   // bytes of a file
constexpr std::size_t longest_name = 4096;       // bytes of a path
constexpr std::size_t longest_target = 4095;     // bytes of a symbolic link's target
constexpr std::size_t most_ranges = 2000;        // of an Offer
constexpr std::size_t most_samples = 8;
constexpr std::size_t most_stretches =
    64 * 1024;  // between holes, of all files that have begun and not ended
constexpr std::uint16_t most_streams = 64;
constexpr std::uint64_t unknown = ~std::uint64_t{0};  // in place of a size or a number

using SessionId = std::array<std::byte, 16>;

/// Whether we support this version.
constexpr bool is_spoken(std::uint16_t version) {
  return version >= oldest_version && version <= newest_version;
}

/// Why one end gives up or does not take a file, as an exit status of sockx(1). A peer may send others.
enum class Status : std::uint8_t {
  none = 0,
  other_failure = 1,
  timed_out = 5,
  incomplete = 9,
  integrity_mismatch = 10,
  local_io = 11,
};

/// What the user is told of the peer's status: Corrupt for integrity_mismatch, else Incomplete.
std::exception_ptr failure_of(Status status, const std::string& what);

/// Sender: the first message of each connection. All other messages but chunks are sent on stream 0 only.
struct Hello {
  std::uint16_t version = oldest_version;  // the oldest that has all messages of the transfer
  DigestKind digest = DigestKind::xxh3_128;
  std::uint16_t stream = 0, streams = 1;
  SessionId session{};
  std::uint64_t files = unknown, bytes = unknown;  // that will be sent, for the progress bar
};

/// Receiver: the answer to Hello, with the same version if it is supported.
struct Welcome {
  std::uint16_t version = oldest_version;
};

enum class EntryKind : std::uint8_t { file = 1, directory = 2, link = 3 };

/// Sender: announces a file, directory or symbolic link. `id` counts from 0. The sender announces some ahead,
/// and sends nothing more of a file before it has the Offer. A directory gets an Offer only when it is
/// unwanted. A link has nothing more to send: it gets Done, or an Offer with `all` or `unwanted`.
struct Entry {
  std::uint32_t id = 0;
  EntryKind kind = EntryKind::file;
  std::uint16_t mode = 0;  // permissions, without set-user-ID and the like
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;  // of the last modification
  std::uint64_t size = unknown;   // bytes
  std::string name;               // a relative path; empty for standard input without a name
  std::string target = {};        // of a link
};

/// A chunk that the receiver has, for the sender to compare with its own file.
struct Sample {
  Range range;
  std::string digest;
};

/// Receiver: what it has of an entry; or why it does not want it, which may also come later. Of a file whose
/// first Offer is `all` or `unwanted` the sender sends nothing more, not even the End.
struct Offer {
  enum class State : std::uint8_t {
    nothing = 0,   // send all of it
    part = 1,      // send what is not in `have`, if the samples are the same there
    all = 2,       // it exists, with this size and time
    changed = 3,   // the part was of a file with another size or time: send all of it
    unwanted = 4,  // send nothing of it
  };
  std::uint32_t id = 0;
  State state = State::nothing;
  Status status = Status::none;  // for unwanted, and
  std::string reason = {};       // in words
  std::vector<Range> have = {};
  std::vector<Sample> samples = {};
};

/// Sender: the samples are not those of its file. The receiver drops the part, and gets all of the file.
struct Restart {
  std::uint32_t id = 0;
};

enum class Encoding : std::uint8_t { plain = 0, zstd = 1 };

/// Sender: a range of a file. The frame is followed by `encoded_length` bytes of payload, and by the digest
/// of the range.
struct Chunk {
  std::uint32_t id = 0;
  Encoding encoding = Encoding::plain;
  Range range;
  std::uint32_t encoded_length = 0;
};

/// Sender: all of an entry has been sent.
struct End {
  std::uint32_t id = 0;
  std::uint64_t size = 0;  // bytes of the file
  std::uint64_t data = 0;  // of them in chunks, also of earlier transfers; the rest is holes
};

/// Sender: an entry will not be complete. What was sent of it is to be dropped.
struct Cancel {
  std::uint32_t id = 0;
  std::string reason;
};

/// Receiver: the file is complete and has its name, or the directory has its time.
struct Done {
  std::uint32_t id = 0;
};

/// Sender: there are no more entries. Receiver: there are no more answers.
struct Finish {};

/// Either: the session ends here, for this reason.
struct Abort {
  Status status = Status::other_failure;
  std::string reason;
};

using Message = std::variant<Hello, Welcome, Entry, Offer, Restart, Chunk, End, Cancel, Done, Finish, Abort>;

/// The frame of a message.
std::string encode(const Message& message);

struct FrameHeader {
  std::uint8_t type = 0;     // of the message: its place in Message, from 1 on
  std::uint32_t length = 0;  // bytes of the body
};

constexpr std::size_t frame_magic_size = 2;
/// Throws Corrupt when these are not the first bytes of a frame.
void check_magic(std::string_view bytes);
/// Throws Corrupt for a header that is damaged or none.
FrameHeader decode_header(std::string_view header);
/// The message in a complete frame. Throws Corrupt when it is damaged, or has values that are not allowed.
Message decode(std::string_view frame);

}  // namespace sockx

// The messages of a verified transfer, and the frames that they travel in: sockx-transfer(7), byte by byte.
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
constexpr std::size_t largest_body = 64 * 1024;  // of a message; payload is none of it
constexpr std::size_t largest_chunk = 4 << 20;   // bytes of a file
constexpr std::size_t longest_name = 4096;       // bytes of a path
constexpr std::size_t longest_target = 4095;     // bytes of what a symbolic link leads to
constexpr std::size_t most_ranges = 2000;        // of an Offer
constexpr std::size_t most_samples = 8;
constexpr std::size_t most_stretches = 64 * 1024;  // between holes, of all files that are on their way
constexpr std::uint16_t most_streams = 64;
constexpr std::uint64_t unknown = ~std::uint64_t{0};  // in place of a size or a number

using SessionId = std::array<std::byte, 16>;

/// Whether we can have a session of this version.
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

/// Sender: the first message of each connection. Stream 0 is the one that everything but chunks goes over.
struct Hello {
  std::uint16_t version = oldest_version;  // the oldest that has all that will be said
  DigestKind digest = DigestKind::xxh3_128;
  std::uint16_t stream = 0, streams = 1;
  SessionId session{};
  std::uint64_t files = unknown, bytes = unknown;  // what is about to come, for who shows progress
};

/// Receiver: the answer to Hello, with its version if we speak that.
struct Welcome {
  std::uint16_t version = oldest_version;
};

enum class EntryKind : std::uint8_t { file = 1, directory = 2, link = 3 };

/// Sender: a file, or a directory, begins. `id` counts from 0. The sender announces some ahead; of each it
/// sends nothing more before it has the Offer, which a directory gets only when it is unwanted. Of a link,
/// which is symbolic, there is nothing more to send: it gets an Offer that it is there or unwanted, or Done.
struct Entry {
  std::uint32_t id = 0;
  EntryKind kind = EntryKind::file;
  std::uint16_t mode = 0;  // permissions, without set-user-ID and the like
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;  // of the last modification
  std::uint64_t size = unknown;   // bytes
  std::string name;               // a relative path; empty for a stream without one
  std::string target = {};        // of a link
};

/// A chunk that is verified already, for the sender to compare with its own file.
struct Sample {
  Range range;
  std::string digest;
};

/// Receiver: what it has of an entry, or why it does not want it, which it may also say later. Of a file that
/// is there already, or not wanted to begin with, the sender sends nothing more, not even the End.
struct Offer {
  enum class State : std::uint8_t {
    nothing = 0,   // send all of it
    part = 1,      // send what is not in `have`, if the samples are the same there
    all = 2,       // it is here already, with this size and time
    changed = 3,   // there was a part, but of a file of another size or time: send all of it
    unwanted = 4,  // send nothing of it
  };
  std::uint32_t id = 0;
  State state = State::nothing;
  Status status = Status::none;  // for unwanted, and
  std::string reason = {};       // in words
  std::vector<Range> have = {};
  std::vector<Sample> samples = {};
};

/// Sender: the part is of another file, by its samples. Forget it; all is sent.
struct Restart {
  std::uint32_t id = 0;
};

enum class Encoding : std::uint8_t { plain = 0, zstd = 1 };

/// Sender: a stretch of a file. Behind the frame come `encoded_length` bytes of payload, and the digest of
/// the stretch.
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
  std::uint64_t data = 0;  // of them in chunks, earlier transfers included; the rest is holes
};

/// Sender: an entry will not be whole. What came of it is worth nothing.
struct Cancel {
  std::uint32_t id = 0;
  std::string reason;
};

/// Receiver: the file is whole and bears its name, the directory has its time.
struct Done {
  std::uint32_t id = 0;
};

/// Sender: there are no more entries. Receiver: neither are there answers.
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
/// Throws Corrupt when that many bytes are not those that a frame begins with.
void check_magic(std::string_view bytes);
/// Throws Corrupt for what is no header of a frame, or a damaged one.
FrameHeader decode_header(std::string_view header);
/// The message in a whole frame. Throws Corrupt for a damaged one, and for one that cannot be.
Message decode(std::string_view frame);

}  // namespace sockx

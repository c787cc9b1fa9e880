// TransferTally: what a verified transfer has come to so far, at either end.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace sockx {

/// Kept up to date while the transfer runs.
struct TransferTally {
  enum class Phase { greeting, moving, resuming, finishing } phase = Phase::greeting;
  std::string_view hash;          // the name of the digest, once it is known
  std::string file;               // that is being moved
  std::uint64_t files = 0;        // that are whole at the receiver and bear their names
  std::uint64_t files_there = 0;  // of them, those that had been there before
  std::uint64_t files_failed = 0;
  std::uint64_t files_left_out = 0;  // links, fifos and others that cannot be sent, however often it is tried
  std::optional<std::uint64_t> files_total, bytes_total;
  std::uint64_t bytes = 0;    // of files that have been moved now
  std::uint64_t resumed = 0;  // that an earlier transfer had moved
  std::uint64_t holes = 0;    // that did not have to be moved
  std::uint64_t encoded = 0;  // what the bytes took on the connection
  std::uint64_t chunks = 0, chunks_resumed = 0;
  std::exception_ptr first_failure;  // of a file, while the others went on

  /// All bytes of files that have been dealt with.
  std::uint64_t bytes_done() const { return bytes + resumed + holes; }
};

/// Something that has happened to one file, for whoever wants to tell of it.
struct FileEvent {
  enum class Kind {
    whole,     // it is at the receiver
    there,     // it had been there before, with this size and time
    resumed,   // `bytes` of it are there already
    changed,   // it is not what an earlier transfer has left a part of: all of it is sent
    left_out,  // it is not a file to be sent
    failed,    // it will not be whole
  } kind;
  std::string name;
  std::uint64_t bytes = 0;
  std::string reason = {};  // for left_out and failed
};

}  // namespace sockx

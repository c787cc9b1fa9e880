// TransferTally: the progress of a verified transfer in numbers, at either end.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/text.hpp"

namespace sockx {

/// Kept up to date while the transfer runs.
struct TransferTally {
  enum class Phase { greeting, moving, resuming, finishing } phase = Phase::greeting;
  std::string_view hash;          // the name of the digest, once it is known
  std::string file;               // that is being sent or received
  std::uint64_t files = 0;        // that are complete at the receiver and have their names
  std::uint64_t files_there = 0;  // of them, those that existed before
  std::uint64_t files_failed = 0;
  std::uint64_t files_left_out = 0;  // links, fifos and others that are never sent
  std::optional<std::uint64_t> files_total, bytes_total;
  std::uint64_t bytes = 0;    // of files, sent or received by this transfer
  std::uint64_t resumed = 0;  // bytes from an earlier transfer
  std::uint64_t holes = 0;    // bytes in holes, which are not sent
  std::uint64_t encoded = 0;  // size of `bytes` on the connection, compressed or not
  std::uint64_t chunks = 0;
  std::exception_ptr first_failure;  // of a file; the others go on

  /// Incomplete: "100 of 200 bytes arrived: REASON". The bytes are those of files that need no more work.
  std::exception_ptr broken_off(std::string_view what, const std::exception& reason) const {
    const auto of_all = bytes_total ? text(" of {}", *bytes_total) : "";
    return std::make_exception_ptr(
        Incomplete(text("{}{} bytes {}: {}", bytes + resumed + holes, of_all, what, reason.what())));
  }
};

/// Something that has happened to one file.
struct FileEvent {
  enum class Kind {
    whole,     // it is at the receiver
    there,     // it existed there before, with this size and time
    resumed,   // `bytes` of it are there from an earlier transfer
    changed,   // an earlier transfer left a part of another version: all of it is sent
    left_out,  // it is not sent, and that is no failure
    failed,    // it will not be complete at the receiver
  } kind;
  std::string name;
  std::uint64_t bytes = 0;
  std::string reason = {};  // for left_out and failed
};

}  // namespace sockx

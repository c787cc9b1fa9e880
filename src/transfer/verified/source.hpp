// SourceFile: a file that is being sent verified, with its status from when it was opened.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "flow/file_calls.hpp"
#include "flow/task.hpp"
#include "flow/turn_budget.hpp"
#include "os/descriptor.hpp"
#include "os/unique_fd.hpp"
#include "transfer/verified/digest.hpp"
#include "transfer/verified/ranges.hpp"

namespace sockx {

/// The file has changed since it was opened.
struct SourceChanged {};

constexpr std::uint64_t usual_most_read = 256 * 1024;  // bytes of a file in one call

/// Throws Error with Origin::local_file.
class SourceFile {
 public:
  /// "-" is standard input, which is treated as without a size even when it is a file. A symbolic link is
  /// followed only if the user has named it, else it is ELOOP. Opening does not wait for the writer of a
  /// fifo: wait until it is readable, since a read before that returns end-of-file.
  explicit SourceFile(const std::string& path, bool is_named = true);
  /// The same file with an offset of its own.
  SourceFile again() const;

  const Descriptor& described() const { return described_; }
  const struct stat& status() const { return status_; }
  /// Whether it is a regular file whose size is known, and so can be read more than once. Files of /proc say
  /// 0 and have content.
  bool has_size() const { return has_size_; }
  std::uint64_t size() const { return static_cast<std::uint64_t>(status_.st_size); }
  /// Whether its size or time has changed.
  bool has_changed() const;
  /// The ranges that are not holes, in order: SEEK_DATA in lseek(2). The whole file, if the file system does
  /// not support that or there are too many.
  Task<std::vector<Range>> data(TurnBudget budget) const;
  void seek(std::uint64_t offset) const;
  /// Fills `bytes` from `offset` on, piece by piece. Throws SourceChanged when the file ends before.
  Task<> read(std::uint64_t offset, std::span<std::byte> bytes, TurnBudget budget) const;
  /// Reads it piece by piece through the loop's scratch buffer, and throws as read() does.
  Task<std::string> digest_of(Range range, Hasher& hasher, TurnBudget budget) const;

 private:
  SourceFile() = default;
  Task<> read_beside_loop(Range range, EventLoop& loop) const;
  void read_piece(std::uint64_t offset, std::span<std::byte> piece) const;
  UniqueFd fd_;
  Descriptor described_;
  struct stat status_ {};
  bool has_size_ = false;
  mutable FileCalls calls_{usual_most_read};  // sizes of reads, no part of the file's state
  mutable Range in_cache_ = {};               // read by a thread
};

}  // namespace sockx

// PartMap: the list on disk of the verified chunks of a file that is being received.
#pragma once

#include <time.h>

#include <cstdint>
#include <optional>
#include <string>

#include "os/unique_fd.hpp"
#include "transfer/verified/wire.hpp"

namespace sockx {

/// What a file will be when it is complete.
struct FileFacts {
  std::uint64_t size = unknown;
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;  // of the last modification
  std::uint16_t mode = 0644;
};

/// A file that lists verified chunks with their digests. Its head has the facts of the received file and the
/// boot ID. It is written as the chunks arrive, and its last record may be incomplete. Throws Error with
/// Origin::local_file.
class PartMap {
 public:
  /// Opens the file `name` in the open `folder`, or makes an empty one. `shown_name` is for messages.
  PartMap(int folder, std::string name, std::string shown_name, const FileFacts& facts, DigestKind digest);

  enum class State {
    none,        // it is not a map
    of_another,  // of a file of another size or time
    in_doubt,    // the machine has been rebooted since, and unwritten data may be lost
    good,
  };
  /// By its head.
  State state() const;
  /// The next chunk in the list; nothing at the end. An incomplete record is cut off.
  std::optional<Sample> next();
  /// Clears the list, and writes a new head.
  void restart();
  /// Appends a chunk, after those that next() has returned.
  void add(const Sample& chunk);
  /// The time of its last modification, which add() moves on, or as it was set.
  timespec time() const;
  void set_time(const timespec& time) const;
  /// Renames it, in place of what has the name.
  void rename(int folder, std::string name);

 private:
  std::string head() const;
  std::string read(std::uint64_t offset, std::size_t size) const;
  void write(std::uint64_t offset, std::string_view bytes) const;
  void truncate(std::uint64_t size) const;
  [[noreturn]] void fail(std::string_view call) const;

  std::string name_, shown_name_;
  FileFacts facts_;
  DigestKind digest_;
  UniqueFd file_;
  std::uint64_t size_;  // bytes: where the next chunk is read or written
};

}  // namespace sockx

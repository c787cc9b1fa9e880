// PartFile: a file that is being received, and which parts of it are verified.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/non_copyable.hpp"
#include "flow/read_ahead.hpp"
#include "flow/task.hpp"
#include "flow/turn_budget.hpp"
#include "transfer/verified/confined_folder.hpp"
#include "transfer/verified/part_map.hpp"

namespace sockx {

/// The file `.sockx-HASH.part` beside its place, where HASH is of the name, until it is whole and is renamed.
/// One that can be resumed has beside it `.sockx-HASH.map`, which lists the verified chunks with their
/// digests and says of what file they are. Both stay when this is dropped, even by SIGKILL, so that the next
/// transfer goes on from there; a part that cannot be resumed is removed. Two transfers never write to the
/// same part (flock(2)). Throws Error with Origin::local_file.
class PartFile : NonCopyable {
 public:
  PartFile(Place place, std::string shown_name, const FileFacts& facts, DigestKind digest, bool is_resumable);
  ~PartFile();

  /// Removes the maps of a complete file, which a transfer leaves that was killed at its end.
  static void clear(const Place& place);

  /// Reads the map. Every chunk is compared with its digest if the part may have changed: after a reboot,
  /// which may lose unwritten data, or if another process has written to the part. The latter is seen by the
  /// time of the part or, after a SIGKILL, which does not set it, by the chunks that are samples.
  Task<> resume(TurnBudget budget);
  /// Whether there was a part of a file with another size or time.
  bool has_changed() const { return has_changed_; }
  const RangeSet& verified() const { return verified_; }
  /// A few of the verified chunks: the first, the last and some between.
  const std::vector<Sample>& samples() const { return samples_; }
  /// Drops all that was received.
  void restart();
  /// The part is removed when this is dropped.
  void discard() { is_resumable_ = false; }

  void write(std::uint64_t offset, std::span<const std::byte> bytes);
  /// To be called when a chunk is written and its digest is that of the sender.
  void add_verified(const Range& range, const std::string& digest);
  /// Gives the file its size, time, mode and name; with `sync`, after it is on disk (fsync(2)). What is in no
  /// chunk is a hole. False when there is a file of that name by now and it is not to be replaced.
  /// Nothing may be written meanwhile.
  Task<bool> complete(std::uint64_t size, bool replaces, bool sync, TurnBudget budget);

 private:
  void open_part();
  bool names_our_part() const;
  PartMap open_map(const char* what) const;
  bool remove_maps() const;
  Task<> compare(TurnBudget budget);
  timespec time() const;
  Task<> take(PartMap& map, TurnBudget budget);
  Task<bool> has_been_touched_since(timespec left, TurnBudget budget) const;
  bool can_have(const Range& range) const;
  Task<bool> still_has(const Sample& chunk, TurnBudget budget) const;
  void note_verified(const Sample& chunk);
  Task<> clear_holes(std::uint64_t size, TurnBudget budget);
  Task<> write_back(TurnBudget budget);
  Task<> set_facts(std::uint64_t size, bool sync, TurnBudget budget);
  bool take_name(bool replaces);
  [[noreturn]] void fail(std::string_view call) const;

  UniqueFd folder_;
  std::string leaf_, shown_name_, part_name_;
  FileFacts facts_;
  DigestKind digest_;
  bool is_resumable_, was_there_ = false, has_changed_ = false;
  std::uint64_t loose_ = 0;    // bytes that have been written, and are in no verified chunk
  bool is_as_mapped_ = false;  // what the map lists has been looked at, or written by us
  UniqueFd part_;
  std::optional<PartMap> map_;  // of one that can be resumed
  RangeSet verified_;
  mutable ReadAhead read_ahead_;
  std::vector<Sample> samples_;
};

}  // namespace sockx

// Destination: where received files and folders go, by the names that the sender has for them.
#pragma once

#include <sys/stat.h>

#include <string>

#include "transfer/verified/confined_folder.hpp"
#include "transfer/verified/receiver.hpp"
#include "transfer/verified/wire.hpp"

namespace sockx {

/// A folder; or, where the user has named the one file, the folder of that. Throws Error with
/// Origin::local_file.
class Destination {
 public:
  /// Of the options, which outlive this. The folder must be there.
  explicit Destination(const VerifiedReceiveOptions& options);

  /// Throws Incomplete, with the reason, for a name that nothing is to have here.
  void check_name(const Entry& entry) const;
  /// Folders on the way are made. The descriptor is good until the next call of this or make_folder().
  Place place(const Entry& entry);
  /// Its path, for messages.
  std::string shown(const Entry& entry) const;
  /// Whether what is there is taken to be the entry: a file of its size and time.
  static bool is_same(const Entry& entry, const struct stat& there);

  /// Makes a symbolic link in one step, by the options in place of what is there, and on disk. False when it
  /// is there already. Throws Incomplete when something else is there and stays.
  bool make_link(const Entry& entry);
  /// Returns whether it was not there before. Until finish_folder(), files can be put into it.
  bool make_folder(const Entry& entry);
  /// Gives the folder its time and, if it is we who have made it, its permissions; as far as the file system
  /// has them.
  void finish_folder(const Entry& entry, bool is_made) const;

 private:
  const VerifiedReceiveOptions& options_;
  ConfinedFolder folder_;
};

}  // namespace sockx

// Destination: where received files and directories are put, by the sender's names.
#pragma once

#include <sys/stat.h>

#include <string>

#include "transfer/verified/confined_folder.hpp"
#include "transfer/verified/receiver.hpp"
#include "transfer/verified/wire.hpp"

namespace sockx {

/// A folder, or the path of the only file. Throws Error with Origin::local_file.
class Destination {
 public:
  /// The options outlive this. The folder must exist.
  explicit Destination(const VerifiedReceiveOptions& options);

  /// Throws Incomplete, with the reason, for a name that is not allowed.
  void check_name(const Entry& entry) const;
  /// Makes missing folders on the way. The descriptor is valid until the next call of this or make_folder().
  Place place(const Entry& entry);
  /// Its path, for messages.
  std::string shown(const Entry& entry) const;
  /// Whether an existing file is taken to be the entry: it has the same size and time.
  static bool is_same(const Entry& entry, const struct stat& there);

  /// Makes a symbolic link; if the options say so, in place of another file, and written to disk. False when
  /// the same link exists. Throws Incomplete when another file exists and is not to be replaced.
  bool make_link(const Entry& entry);
  /// Returns whether it is new. It is writable for us until finish_folder().
  bool make_folder(const Entry& entry);
  /// Gives the folder its time and, if it is new, its permissions, as far as the file system supports them.
  void finish_folder(const Entry& entry, bool is_made) const;

 private:
  const VerifiedReceiveOptions& options_;
  ConfinedFolder folder_;
};

}  // namespace sockx

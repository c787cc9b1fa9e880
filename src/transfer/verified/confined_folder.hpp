// ConfinedFolder: the directory for received files; nothing outside it is reached.
#pragma once

#include <string>
#include <string_view>

#include "os/unique_fd.hpp"

namespace sockx {

/// A name as its open folder and its last part.
struct Place {
  int folder = -1;
  std::string leaf;
};

/// Names from the network are opened below this folder by openat2(2) with RESOLVE_BENEATH and
/// RESOLVE_NO_SYMLINKS: no name reaches anything outside, or goes through a symbolic link, which may come
/// from the network as well. Without openat2, the name is opened part by part. Throws Error with
/// Origin::local_file.
class ConfinedFolder {
 public:
  /// The folder must be there.
  explicit ConfinedFolder(std::string path);

  /// Makes missing folders on the way. Throws Incomplete for a symbolic link on the way. The descriptor is
  /// valid until the next call.
  Place place(std::string_view name);
  /// An existing folder. Null, with errno, if there is none.
  UniqueFd open_below(const std::string& name) const;
  /// For messages: with the folder's own path in front.
  std::string path_of(std::string_view name) const;
  int fd() const { return fd_.get(); }

 private:
  std::string path_;
  UniqueFd fd_;
  std::string
      last_name_;  // of the folder that was asked for last, which is hardly ever another the next time
  UniqueFd last_;
};

}  // namespace sockx

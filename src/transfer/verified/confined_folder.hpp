// ConfinedFolder: where received files go, and nothing outside it.
#pragma once

#include <string>
#include <string_view>

#include "os/unique_fd.hpp"

namespace sockx {

/// A name, taken apart: the open folder that it is in, and its last part.
struct Place {
  int folder = -1;
  std::string leaf;
};

/// A folder below which names that came from the network are opened, by openat2(2) with RESOLVE_BENEATH and
/// RESOLVE_NO_SYMLINKS: whatever the name, nothing outside is reached, and nothing through a symbolic link,
/// which may have come from the network too. Where the kernel or a filter has no openat2, part by part.
/// Throws Error with Origin::local_file.
class ConfinedFolder {
 public:
  /// The folder must be there.
  explicit ConfinedFolder(std::string path);

  /// Folders on the way that are missing are made. Throws Incomplete where a symbolic link is on the way. The
  /// descriptor is good until the next call of this.
  Place place(std::string_view name);
  /// A folder that is there: for a look, and for what is in it. Null, with errno, when there is none.
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

// NewFile: a file that gets its name only when it is whole.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/non_copyable.hpp"
#include "os/unique_fd.hpp"

namespace sockx {

/// Writes to a temporary file in the target's own folder and renames it over the target when told that it is
/// complete; dropped before that, it leaves nothing behind. Symbolic links are followed first (follow_links()
/// in os/output_file.hpp), so that they stay. The mode, which it gets when it is complete, is that of the
/// file replaced, else 0666 less the umask; set-user-ID, set-group-ID and sticky bits stay only where the new
/// file has the owner and the group of the old one. The umask applies too where the old one may be planted. A
/// target that is a device or a fifo is opened without blocking and written in place; a fifo without a reader
/// is ENXIO. Throws Error with Origin::local_file. See rename(2).
class NewFile : NonCopyable {
 public:
  struct Options {
    bool keep_existing = false;  // refuse with EEXIST when the target exists, now or when it is completed
  };
  NewFile(const std::string& target, Options options);
  ~NewFile();

  int fd() const { return fd_.get(); }
  /// For content that is a few words.
  void write(std::string_view content);
  /// Closes the file and gives it its name; with `sync`, after the content and before the name are on disk
  /// (fsync(2)).
  void complete(bool sync);

 private:
  struct Rights {
    mode_t mode;
    uid_t user;
    gid_t group;
    bool may_be_planted;  // see os/output_file.hpp
  };
  void set_mode() const;

  std::string target_, temporary_;  // temporary_ is empty when there is nothing to rename
  Options options_;
  std::optional<Rights> replaced_;  // those of the file that the target is now
  UniqueFd fd_;
};

/// The permissions that new files do not get: umask(2), which can only be read by setting it.
mode_t current_umask();

/// Throws Error with Origin::local_file where `folder` is no folder, or nothing can be made in it
/// (access(2)): to be said before bytes come for a file there.
void check_folder(const std::string& folder);
/// The same for a file that is to have the name `target`, unless there is something that is written in place.
void check_folder_of(const std::string& target);
/// Throws Error (EEXIST) with Origin::local_file where `target` is there: it is to be kept.
void check_new(const std::string& target);

}  // namespace sockx

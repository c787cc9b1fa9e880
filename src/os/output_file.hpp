// Opening the files that sockx writes, past the traps that other users can set in a shared folder.
#pragma once

#include <sys/stat.h>

#include <string>

#include "os/unique_fd.hpp"

namespace sockx {

/// The path that the symbolic links at the end of `path` lead to, whether or not a file is there. Throws
/// Error with Origin::local_file: ELOOP, and EACCES for a link of another user in a sticky folder that
/// everybody can write to, unless it belongs to the folder's owner. That is the rule of fs.protected_symlinks
/// in proc(5), which holds here whatever is set there.
std::string follow_links(const std::string& path);

/// Whether `entry`, which is at `path`, belongs to another user in a folder of that kind. Throws Error with
/// Origin::local_file.
bool may_be_planted(const std::string& path, const struct stat& entry);

/// Opens a file for writing: open(2) with O_WRONLY, O_CLOEXEC and `flags`, `mode` less the umask. Links
/// are followed as above; a regular file or a fifo of another user in such a folder is refused in the same
/// way (fs.protected_regular, fs.protected_fifos). With O_TRUNC it is emptied once that is known. Empty, and
/// errno says why, when it cannot be opened. Throws Error with Origin::local_file for what is refused.
UniqueFd open_output(const std::string& path, int flags, mode_t mode = 0666);

/// The same to append to a file, which is created where there is none, without ever blocking in a later
/// write. Empty for a FIFO that nobody reads yet: open(2) would wait for a reader, so try again. Throws Error
/// with Origin::local_file.
UniqueFd open_to_append(const std::string& path);

/// Throws Error with Origin::local_file for a call that has just failed.
[[noreturn]] void fail_on_file(const char* call, const std::string& path);

/// The folder part of a path: "." where it has none, else with its slash.
std::string folder_of(const std::string& path);

}  // namespace sockx

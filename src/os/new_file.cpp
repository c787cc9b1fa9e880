#include "os/new_file.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "os/calls.hpp"
#include "os/output_file.hpp"

namespace sockx {

mode_t current_umask() {
  const mode_t mask = umask(0);
  umask(mask);
  return mask;
}

void check_folder(const std::string& folder) {
  if (faccessat(AT_FDCWD, (folder + '/').c_str(), W_OK | X_OK, AT_EACCESS) != 0)
    fail_on_file("make a file in", folder);
}

void check_folder_of(const std::string& target) {
  struct stat there {};
  const bool is_there = stat(target.c_str(), &there) == 0;
  if (is_there && S_ISDIR(there.st_mode)) throw Error(EISDIR, text("open {}", target), Origin::local_file);
  if (is_there && !S_ISREG(there.st_mode)) return;
  check_folder(folder_of(follow_links(target)));
}

void check_new(const std::string& target) {
  struct stat there {};
  if (stat(target.c_str(), &there) == 0) throw Error(EEXIST, text("open {}", target), Origin::local_file);
}

NewFile::NewFile(const std::string& target, Options options) : target_(target), options_(options) {
  struct stat old {};
  if (options_.keep_existing) check_new(target);
  const bool is_there = stat(target.c_str(), &old) == 0;
  if (is_there && S_ISDIR(old.st_mode)) throw Error(EISDIR, text("open {}", target), Origin::local_file);
  if (is_there && !S_ISREG(old.st_mode)) {
    fd_ = open_output(target, O_NONBLOCK | O_NOCTTY);
    if (!fd_) fail_on_file("open", target);
    return;
  }
  target_ = follow_links(target);
  if (lstat(target_.c_str(), &old) == 0 && S_ISREG(old.st_mode))
    replaced_ = Rights{old.st_mode & 07777, old.st_uid, old.st_gid, may_be_planted(target_, old)};
  const auto folder = folder_of(target_);
  std::string name = (folder == "." ? "" : folder) + ".sockx-XXXXXX";
  fd_ = UniqueFd(mkostemp(name.data(), O_CLOEXEC));
  if (!fd_) fail_on_file("create a temporary file for", target);
  temporary_ = name;
}

NewFile::~NewFile() {
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void NewFile::write(std::string_view content) {
  while (!content.empty()) {
    const auto written = uninterrupted([&] { return ::write(fd_.get(), content.data(), content.size()); });
    if (written < 0) fail_on_file("write", target_);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
}

/// Not before it is whole: a program that runs with the rights of its owner must not be half a program.
void NewFile::set_mode() const {
  mode_t mode = 0666 & ~current_umask();
  if (replaced_) {
    struct stat ours {};
    if (fstat(fd_.get(), &ours) != 0) fail_on_file("fstat", temporary_);
    const bool has_same_owner = ours.st_uid == replaced_->user && ours.st_gid == replaced_->group;
    if (replaced_->may_be_planted)
      mode = replaced_->mode & 0777 & ~current_umask();
    else
      mode = has_same_owner ? replaced_->mode : replaced_->mode & 0777;
  }
  const bool is_set = fchmod(fd_.get(), mode) == 0 || errno == EPERM;  // some file systems have no modes
  if (!is_set) fail_on_file("chmod", temporary_);
}

void NewFile::complete(bool sync) {
  if (!temporary_.empty()) set_mode();
  if (sync && fsync(fd_.get()) != 0 && errno != EINVAL && errno != EROFS) fail_on_file("fsync", target_);
  if (temporary_.empty()) return;
  // On a network file system, or where a quota counts late, only this says that there was no room.
  if (close(fd_.release()) != 0 && errno != EINTR) fail_on_file("close", target_);
  const unsigned flags = options_.keep_existing ? RENAME_NOREPLACE : 0;
  if (renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, target_.c_str(), flags) != 0)
    fail_on_file("rename to", target_);
  temporary_.clear();
  if (sync) {
    const UniqueFd folder(open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder || fsync(folder.get()) != 0) fail_on_file("fsync the directory of", target_);
  }
}

}  // namespace sockx

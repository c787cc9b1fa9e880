#include "os/new_file.hpp"

#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/calls.hpp"
#include "os/error.hpp"
#include "os/text.hpp"

namespace sockx {

namespace {

/// The name that a chain of symbolic links ends in, whether or not a file is there.
std::string follow_links(std::string path) {
  for (int hops = 0; hops < 40; ++hops) {
    char link[PATH_MAX];
    const auto length = readlink(path.c_str(), link, sizeof link);
    if (length < 0) return path;
    const std::string next(link, static_cast<std::size_t>(length));
    const auto slash = path.rfind('/');
    path.resize(next.starts_with('/') || slash == std::string::npos ? 0 : slash + 1);
    path += next;
  }
  throw Error(ELOOP, text("open {}", path), Origin::local_file);
}

mode_t usual_mode() {
  const mode_t mask = umask(0);
  umask(mask);
  return 0666 & ~mask;
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

[[noreturn]] void fail(const char* call, const std::string& path) {
  throw_errno(text("{} {}", call, path), Origin::local_file);
}

}  // namespace

void check_folder(const std::string& folder) {
  if (faccessat(AT_FDCWD, (folder + '/').c_str(), W_OK | X_OK, AT_EACCESS) != 0)
    fail("make a file in", folder);
}

void check_folder_of(const std::string& target) {
  struct stat there {};
  const bool is_there = stat(target.c_str(), &there) == 0;
  if (is_there && S_ISDIR(there.st_mode)) throw Error(EISDIR, text("open {}", target), Origin::local_file);
  if (is_there && !S_ISREG(there.st_mode)) return;
  check_folder(folder_of(follow_links(target)));
}

NewFile::NewFile(const std::string& target, Options options) : target_(target), options_(options) {
  struct stat old {};
  const bool exists = stat(target_.c_str(), &old) == 0;
  if (exists && options_.keep_existing) throw Error(EEXIST, text("open {}", target), Origin::local_file);
  if (exists && S_ISDIR(old.st_mode)) throw Error(EISDIR, text("open {}", target), Origin::local_file);
  if (exists && !S_ISREG(old.st_mode)) {
    fd_ = UniqueFd(open(target_.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
    if (!fd_) fail("open", target);
    return;
  }
  target_ = follow_links(target);
  const auto folder = folder_of(target_);
  std::string name = (folder == "." ? "" : folder) + ".sockx-XXXXXX";
  fd_ = UniqueFd(mkostemp(name.data(), O_CLOEXEC));
  if (!fd_) fail("create a temporary file for", target);
  temporary_ = name;
  if (fchmod(fd_.get(), exists ? old.st_mode & 07777 : usual_mode()) != 0 &&
      errno != EPERM) {  // some file systems have no modes to change
    const int number = errno;
    unlink(name.c_str());
    throw Error(number, text("chmod {}", name), Origin::local_file);
  }
}

NewFile::~NewFile() {
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void NewFile::write(std::string_view content) {
  while (!content.empty()) {
    const auto written = uninterrupted([&] { return ::write(fd_.get(), content.data(), content.size()); });
    if (written < 0) fail("write", target_);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
}

void NewFile::complete(bool sync) {
  if (sync && fsync(fd_.get()) != 0 && errno != EINVAL && errno != EROFS) fail("fsync", target_);
  if (temporary_.empty()) return;
  check_written({fd_.get(), target_, Origin::local_file, Descriptor::Kind::file});
  const unsigned flags = options_.keep_existing ? RENAME_NOREPLACE : 0;
  if (renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, target_.c_str(), flags) != 0)
    fail("rename to", target_);
  temporary_.clear();
  if (sync) {
    const UniqueFd folder(open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder || fsync(folder.get()) != 0) fail("fsync the folder of", target_);
  }
}

}  // namespace sockx

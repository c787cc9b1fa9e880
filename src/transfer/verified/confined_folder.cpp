#include "transfer/verified/confined_folder.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"

namespace sockx {

namespace {

constexpr int as_folder = O_PATH | O_DIRECTORY | O_CLOEXEC;

/// Null, with errno.
UniqueFd open_part_by_part(int folder, std::string_view name) {
  UniqueFd reached;
  for (std::size_t begin = 0; begin < name.size();) {
    const auto end = std::min(name.find('/', begin), name.size());
    const std::string part(name.substr(begin, end - begin));
    if (part == "..") {
      errno = EXDEV;  // as RESOLVE_BENEATH has it
      return {};
    }
    const int above = reached ? reached.get() : folder;
    struct stat status {};
    UniqueFd opened(openat(above, part.c_str(), as_folder | O_NOFOLLOW));
    if (!opened && errno == ENOTDIR) {
      const bool is_there = fstatat(above, part.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
      errno = is_there && S_ISLNK(status.st_mode) ? ELOOP : ENOTDIR;  // as RESOLVE_NO_SYMLINKS has it
    }
    reached = std::move(opened);
    if (!reached) break;
    begin = end + 1;
  }
  return reached;
}

}  // namespace

ConfinedFolder::ConfinedFolder(std::string path)
    : path_(std::move(path)), fd_(open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (!fd_) throw_errno(text("open {}", path_), Origin::local_file);
}

std::string ConfinedFolder::path_of(std::string_view name) const {
  return path_ == "." ? std::string(name) : text("{}{}{}", path_, path_.ends_with('/') ? "" : "/", name);
}

UniqueFd ConfinedFolder::open_below(const std::string& name) const {
  open_how how{};
  how.flags = as_folder;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  UniqueFd opened(static_cast<int>(syscall(SYS_openat2, fd_.get(), name.c_str(), &how, sizeof how)));
  // A filter of system calls that is older than this one may answer EPERM: seccomp(2).
  if (!opened && (errno == ENOSYS || errno == EPERM)) return open_part_by_part(fd_.get(), name);
  return opened;
}

Place ConfinedFolder::place(std::string_view name) {
  const auto slash = name.rfind('/');
  if (slash == std::string_view::npos) return {fd_.get(), std::string(name)};
  const std::string folder(name.substr(0, slash)), leaf(name.substr(slash + 1));
  if (last_ && folder == last_name_) return {last_.get(), leaf};
  auto opened = open_below(folder);
  if (!opened && errno == ENOENT) {
    const auto above = place(folder);
    if (mkdirat(above.folder, above.leaf.c_str(), 0777) != 0 && errno != EEXIST)
      throw_errno(text("mkdir {}", path_of(folder)), Origin::local_file);
    opened = open_below(folder);
  }
  if (!opened && errno == ELOOP)
    throw Incomplete(
        text("{} is, or is reached through, a symbolic link, which is not followed", path_of(folder)));
  if (!opened) throw_errno(text("open {}", path_of(folder)), Origin::local_file);
  last_ = std::move(opened);
  last_name_ = folder;
  return {last_.get(), leaf};
}

}  // namespace sockx

#include "os/output_file.hpp"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"

namespace sockx {

namespace {

/// Throws for what another user may have put at `path` to lead us astray.
void refuse_if_planted(const std::string& path, const struct stat& entry) {
  if (!S_ISLNK(entry.st_mode) && !S_ISREG(entry.st_mode) && !S_ISFIFO(entry.st_mode)) return;
  if (!may_be_planted(path, entry)) return;
  const auto* const kind = S_ISLNK(entry.st_mode) ? "symbolic link" : "file";
  throw Error(
      EACCES,
      text("open {}: it is a {} of another user in a directory that everybody can write to", path, kind),
      Origin::local_file);
}

/// A link of /proc, like that of /dev/stderr or /dev/fd/63, is followed by the kernel to an open file, which
/// need not have a name.
bool is_on_proc(int fd) {
  struct statfs system {};
  return fstatfs(fd, &system) == 0 && system.f_type == PROC_SUPER_MAGIC;
}

struct Hop {
  std::string next;
  bool is_on_proc;
};

/// Where the symbolic link at `path` leads; nothing if there is none. The link that is judged is the one that
/// is read.
std::optional<Hop> read_link(const std::string& path) {
  const UniqueFd entry(open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!entry && errno == ENOENT) return {};
  if (!entry) fail_on_file("open", path);
  struct stat status {};
  if (fstat(entry.get(), &status) != 0) fail_on_file("fstat", path);
  if (!S_ISLNK(status.st_mode)) return {};
  refuse_if_planted(path, status);
  char link[PATH_MAX];
  const auto length = readlinkat(entry.get(), "", link, sizeof link);
  if (length < 0) fail_on_file("readlink", path);
  const std::string next(link, static_cast<std::size_t>(length));
  const bool is_relative = !next.starts_with('/') && path.find('/') != std::string::npos;
  return Hop{is_relative ? folder_of(path) + next : next, is_on_proc(entry.get())};
}

struct Place {
  std::string path;
  bool is_link;  // of /proc, for the kernel to follow
};

Place find(const std::string& path, bool follows_proc) {
  Place place{path, false};
  for (int hops = 0; hops < 40; ++hops) {
    auto hop = read_link(place.path);
    if (!hop) return place;
    if (hop->is_on_proc && !follows_proc) return {std::move(place.path), true};
    place.path = std::move(hop->next);
  }
  throw Error(ELOOP, text("open {}", path), Origin::local_file);
}

}  // namespace

bool may_be_planted(const std::string& path, const struct stat& entry) {
  if (entry.st_uid == geteuid()) return false;
  struct stat folder {};
  if (stat(folder_of(path).c_str(), &folder) != 0) fail_on_file("stat the directory of", path);
  constexpr mode_t shared = S_ISVTX | S_IWOTH;
  return (folder.st_mode & shared) == shared && entry.st_uid != folder.st_uid;
}

std::string follow_links(const std::string& path) { return find(path, true).path; }

UniqueFd open_output(const std::string& path, int flags, mode_t mode) {
  const auto place = find(path, false);
  struct stat status {};
  // Looked at before it is opened, because that alone may wait or be noticed, and after, for certain.
  if (lstat(place.path.c_str(), &status) == 0) refuse_if_planted(place.path, status);
  const int how = O_WRONLY | O_CLOEXEC | (place.is_link ? 0 : O_NOFOLLOW) | (flags & ~O_TRUNC);
  UniqueFd fd(open(place.path.c_str(), how, mode));
  if (!fd) return fd;
  if (fstat(fd.get(), &status) != 0) fail_on_file("fstat", path);
  if (!place.is_link) refuse_if_planted(place.path, status);
  if ((flags & O_TRUNC) != 0 && S_ISREG(status.st_mode) && ftruncate(fd.get(), 0) < 0)
    fail_on_file("truncate", path);
  return fd;
}

namespace {

/// And not a socket or a device without a driver, which cannot be opened either.
bool is_fifo(const std::string& path) {
  struct stat status {};
  const bool is_found = stat(path.c_str(), &status) == 0;
  const bool is_one = is_found && S_ISFIFO(status.st_mode);
  errno = ENXIO;
  return is_one;
}

}  // namespace

UniqueFd open_to_append(const std::string& path) {
  auto fd = open_output(path, O_CREAT | O_APPEND | O_NONBLOCK | O_NOCTTY);
  if (!fd && !(errno == ENXIO && is_fifo(path))) fail_on_file("open", path);
  return fd;
}

void fail_on_file(const char* call, const std::string& path) {
  throw_errno(text("{} {}", call, path), Origin::local_file);
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

}  // namespace sockx

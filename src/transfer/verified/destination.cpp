#include "transfer/verified/destination.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "os/new_file.hpp"
#include "transfer/verified/received_name.hpp"

namespace sockx {

namespace {

std::string folder_path(const std::string& folder, const std::string& output) {
  if (output.empty()) return folder;
  const auto slash = output.rfind('/');
  return slash == std::string::npos ? "." : output.substr(0, slash + 1);
}

/// The target of a symbolic link; empty when it is none.
std::string target_of(const Place& place) {
  std::string target(longest_target + 1, '\0');
  const auto size = readlinkat(place.folder, place.leaf.c_str(), target.data(), target.size());
  target.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return target;
}

}  // namespace

Destination::Destination(const VerifiedReceiveOptions& options)
    : options_(options), folder_(folder_path(options.folder, options.output)) {}

void Destination::check_name(const Entry& entry) const {
  if (!options_.output.empty()) {
    if (entry.kind != EntryKind::file || entry.id > 0)
      throw Incomplete(text("one file is all that {} has a name for", options_.names.output));
    return;
  }
  if (entry.name.empty())
    throw Incomplete(text("standard input has no name: say {} at the sender, or {} at the receiver",
                          options_.names.name, options_.names.output_file));
  if (const auto fault = fault_of_name(entry.name); !fault.empty())
    throw Incomplete(text("the name {}", fault));
  if (entry.kind != EntryKind::link) return;
  if (const auto fault = fault_of_target(entry.name, entry.target); !fault.empty())
    throw Incomplete(text("the target of the symbolic link {}", fault));
}

Place Destination::place(const Entry& entry) {
  return folder_.place(options_.output.empty() ? entry.name
                                               : options_.output.substr(options_.output.rfind('/') + 1));
}

std::string Destination::shown(const Entry& entry) const {
  return options_.output.empty() ? folder_.path_of(entry.name) : options_.output;
}

bool Destination::is_same(const Entry& entry, const struct stat& there) {
  return S_ISREG(there.st_mode) && static_cast<std::uint64_t>(there.st_size) == entry.size &&
         there.st_mtim.tv_sec == entry.seconds && there.st_mtim.tv_nsec == entry.nanoseconds;
}

bool Destination::make_link(const Entry& entry) {
  const auto place = folder_.place(entry.name);
  const auto* const leaf = place.leaf.c_str();
  const auto fail = [&](const char* call) {
    throw_errno(text("{} {}", call, shown(entry)), Origin::local_file);
  };
  if (symlinkat(entry.target.c_str(), place.folder, leaf) != 0) {
    if (errno != EEXIST) fail("symlink");
    if (target_of(place) == entry.target) return false;
    if (!options_.replaces) throw Incomplete(text("it exists; use {} to replace it", options_.names.force));
    const auto made = reserved_name(place.leaf, "link");
    unlinkat(place.folder, made.c_str(), 0);  // a killed transfer may have left it
    if (symlinkat(entry.target.c_str(), place.folder, made.c_str()) != 0) fail("symlink");
    if (renameat(place.folder, made.c_str(), place.folder, leaf) != 0) {
      const int error = errno;
      unlinkat(place.folder, made.c_str(), 0);
      errno = error;
      fail("rename to");
    }
  }
  const timespec times[]{{0, UTIME_OMIT}, {entry.seconds, entry.nanoseconds}};
  utimensat(place.folder, leaf, times, AT_SYMLINK_NOFOLLOW);
  if (options_.sync) {
    const UniqueFd folder(openat(place.folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder || fsync(folder.get()) != 0) fail("fsync the directory of");
  }
  return true;
}

bool Destination::make_folder(const Entry& entry) {
  const auto place = folder_.place(entry.name);
  if (mkdirat(place.folder, place.leaf.c_str(), entry.mode | 0700) == 0) return true;
  if (errno != EEXIST || !folder_.open_below(entry.name))
    throw_errno(text("mkdir {}", shown(entry)), Origin::local_file);
  return false;
}

/// The mode is set last: it may forbid us to set the time.
void Destination::finish_folder(const Entry& entry, bool is_made) const {
  const auto folder = folder_.open_below(entry.name);
  if (!folder) return;
  const timespec times[]{{0, UTIME_OMIT}, {entry.seconds, entry.nanoseconds}};
  utimensat(folder.get(), ".", times, 0);
  struct stat made {};
  if (!is_made || fstat(folder.get(), &made) != 0) return;
  const auto inherited = made.st_mode & S_ISGID;  // from the folder that it is in: mkdir(2)
  fchmodat(folder.get(), ".", (entry.mode & ~current_umask()) | inherited, 0);
}

}  // namespace sockx

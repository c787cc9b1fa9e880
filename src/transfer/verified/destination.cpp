#include "transfer/verified/destination.hpp"

#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "os/error.hpp"
#include "os/text.hpp"
#include "transfer/verified/received_name.hpp"

namespace sockx {

namespace {

std::string folder_path(const std::string& folder, const std::string& output) {
  if (output.empty()) return folder;
  const auto slash = output.rfind('/');
  return slash == std::string::npos ? "." : output.substr(0, slash + 1);
}

}  // namespace

Destination::Destination(const std::string& folder, std::string output)
    : output_(std::move(output)), folder_(folder_path(folder, output_)) {}

void Destination::check_name(const Entry& entry) const {
  if (!output_.empty()) {
    if (entry.kind == EntryKind::directory || entry.id > 0)
      throw Incomplete("one file is all that --output has a name for");
    return;
  }
  if (entry.name.empty())
    throw Incomplete("what is sent has no name: --output gives it one here, and --name there");
  if (const auto fault = fault_of_name(entry.name); !fault.empty())
    throw Incomplete(text("the name {}", fault));
}

Place Destination::place(const Entry& entry) {
  return folder_.place(output_.empty() ? entry.name : output_.substr(output_.rfind('/') + 1));
}

std::string Destination::shown(const Entry& entry) const {
  return output_.empty() ? folder_.path_of(entry.name) : output_;
}

bool Destination::is_same(const Entry& entry, const struct stat& there) {
  return S_ISREG(there.st_mode) && static_cast<std::uint64_t>(there.st_size) == entry.size &&
         there.st_mtim.tv_sec == entry.seconds && there.st_mtim.tv_nsec == entry.nanoseconds;
}

bool Destination::make_folder(const Entry& entry) {
  const auto place = folder_.place(entry.name);
  if (mkdirat(place.folder, place.leaf.c_str(), entry.mode | 0700) == 0) return true;
  if (errno != EEXIST || !folder_.open_below(entry.name))
    throw_errno(text("mkdir {}", shown(entry)), Origin::local_file);
  return false;
}

/// The mode goes last: it may shut us out.
void Destination::finish_folder(const Entry& entry, bool is_made) const {
  const auto folder = folder_.open_below(entry.name);
  if (!folder) return;
  const timespec times[]{{0, UTIME_OMIT}, {entry.seconds, entry.nanoseconds}};
  utimensat(folder.get(), ".", times, 0);
  if (is_made) fchmodat(folder.get(), ".", entry.mode & ~file_mode_mask(), 0);
}

}  // namespace sockx

#include "transfer/verified/source_walk.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "os/text.hpp"
#include "transfer/verified/received_name.hpp"

namespace sockx {

namespace {

std::string joined(const std::string& folder, const std::string& name) {
  return folder.empty() || folder.ends_with('/') ? folder + name : folder + '/' + name;
}

}  // namespace

const char* kind_in_words(mode_t mode) {
  if (S_ISLNK(mode)) return "is a symbolic link";
  if (S_ISFIFO(mode)) return "is a fifo";
  if (S_ISSOCK(mode)) return "is a socket";
  if (S_ISDIR(mode)) return "is a folder";
  return "is a device";
}

std::string own_name(std::string path) {
  while (path.ends_with('/')) path.pop_back();
  auto name = path.substr(path.rfind('/') + 1);
  return name == "." || name == ".." ? "" : name;
}

SourceWalk::SourceWalk(std::vector<std::string> paths, LeftOut left_out, Unreadable unreadable)
    : paths_(std::move(paths)), left_out_(std::move(left_out)), unreadable_(std::move(unreadable)) {}

std::optional<SourceStep> SourceWalk::next() {
  for (;;) {
    if (levels_.empty()) {
      if (next_path_ == paths_.size()) return {};
      const auto& path = paths_[next_path_++];
      if (auto step = visit(path, own_name(path), true)) return step;
      continue;
    }
    auto& level = levels_.back();
    if (level.next == level.names.size()) {
      auto left = std::move(level.folder);
      levels_.pop_back();
      left.kind = SourceStep::Kind::leave;
      if (!left.name.empty()) return left;
      continue;
    }
    const auto name = level.names[level.next++];
    if (auto step = visit(joined(level.folder.path, name), joined(level.folder.name, name), false))
      return step;
  }
}

std::optional<SourceStep> SourceWalk::visit(std::string path, std::string name, bool is_named) {
  struct stat status {};
  if (path == "-") return SourceStep{SourceStep::Kind::file, std::move(path), "", is_named};
  const int result = is_named ? stat(path.c_str(), &status) : lstat(path.c_str(), &status);
  if (result != 0) {
    unreadable_(path, errno);
    return {};
  }
  if (!is_named && is_reserved_name(name)) {
    left_out_(path, "has a name that is reserved for parts of files");
    return {};
  }
  if (S_ISDIR(status.st_mode)) {
    SourceStep folder{SourceStep::Kind::enter, std::move(path), std::move(name)};
    enter(folder);
    if (folder.name.empty()) return {};
    return folder;
  }
  if (!is_named && !S_ISREG(status.st_mode)) {
    left_out_(path, kind_in_words(status.st_mode));
    return {};
  }
  return SourceStep{SourceStep::Kind::file, std::move(path), std::move(name), is_named};
}

void SourceWalk::enter(SourceStep folder) {
  Level level{std::move(folder), {}};
  std::error_code error;
  std::filesystem::directory_iterator entry(level.folder.path, error);
  while (!error && entry != std::filesystem::directory_iterator()) {
    level.names.push_back(entry->path().filename().string());
    entry.increment(error);
  }
  if (error) unreadable_(level.folder.path, error.value());
  std::sort(level.names.begin(), level.names.end());
  levels_.push_back(std::move(level));
}

std::optional<SourceTotals> count_sources(std::vector<std::string> paths) {
  SourceWalk walk(
      std::move(paths), [](const auto&, const auto&) {}, [](const auto&, int) {});
  SourceTotals totals;
  while (const auto step = walk.next()) {
    if (step->kind != SourceStep::Kind::file) continue;
    struct stat status {};
    if (step->path == "-" || stat(step->path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
    ++totals.files;
    totals.bytes += static_cast<std::uint64_t>(status.st_size);
  }
  return totals;
}

}  // namespace sockx

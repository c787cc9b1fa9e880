#include "transfer/verified/source_walk.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "base/text.hpp"
#include "transfer/verified/received_name.hpp"
#include "transfer/verified/wire.hpp"

namespace sockx {

namespace {

std::string path_below(const std::string& folder, const std::string& name) {
  return folder.empty() || folder.ends_with('/') ? folder + name : folder + '/' + name;
}

}  // namespace

const char* kind_in_words(mode_t mode) {
  if (S_ISLNK(mode)) return "is a symbolic link";
  if (S_ISFIFO(mode)) return "is a fifo";
  if (S_ISSOCK(mode)) return "is a socket";
  if (S_ISDIR(mode)) return "is a directory";
  return "is a device";
}

std::string own_name(std::string path) {
  while (path.ends_with('/')) path.pop_back();
  auto name = path.substr(path.rfind('/') + 1);
  return name == "." || name == ".." ? "" : name;
}

SourceWalk::SourceWalk(std::vector<std::string> paths, Listener listener, TurnBudget budget)
    : paths_(std::move(paths)), listener_(std::move(listener)), budget_(budget) {}

Task<std::optional<SourceStep>> SourceWalk::next() {
  for (;;) {
    if (budget_.is_spent()) {
      co_await budget_.loop.next_turn();
    }
    std::optional<SourceStep> step;
    if (levels_.empty()) {
      if (next_path_ == paths_.size()) co_return std::nullopt;
      const auto& path = paths_[next_path_++];
      root_ = own_name(path);
      step = visit(path, root_, true);
    } else if (auto& level = levels_.back(); level.names.empty()) {
      step = std::move(level.folder);
      step->kind = SourceStep::Kind::leave;
      levels_.pop_back();
    } else {
      const auto name = level.names.top();
      level.names.pop();
      step = visit(path_below(level.folder.path, name), path_below(level.folder.name, name), false);
    }
    if (!step) continue;
    if (step->kind == SourceStep::Kind::enter) {
      auto folder = *step;
      co_await enter(std::move(folder));
    }
    const bool is_folder = step->kind == SourceStep::Kind::enter || step->kind == SourceStep::Kind::leave;
    if (is_folder && step->name.empty()) continue;
    co_return step;
  }
}

std::optional<SourceStep> SourceWalk::visit(std::string path, std::string name, bool is_named) {
  using Kind = SourceStep::Kind;
  struct stat status {};
  if (path == "-") return SourceStep{Kind::file, std::move(path), "", is_named};
  const int result = is_named ? stat(path.c_str(), &status) : lstat(path.c_str(), &status);
  if (result != 0) {
    listener_.unreadable(path, errno);
    return {};
  }
  if (!is_named && is_reserved_name(name)) {
    listener_.left_out(path, "has a name that is reserved for parts of files");
    return {};
  }
  if (S_ISDIR(status.st_mode)) return SourceStep{Kind::enter, std::move(path), std::move(name)};
  if (!is_named && S_ISLNK(status.st_mode)) return visit_link(std::move(path), std::move(name));
  if (!is_named && !S_ISREG(status.st_mode)) {
    listener_.refused(path, kind_in_words(status.st_mode));
    return {};
  }
  return SourceStep{Kind::file, std::move(path), std::move(name), is_named};
}

std::optional<SourceStep> SourceWalk::visit_link(std::string path, std::string name) {
  std::array<char, longest_target + 1> target;
  const auto size = readlink(path.c_str(), target.data(), target.size());
  if (size < 0) {
    listener_.unreadable(path, errno);
    return {};
  }
  SourceStep link{SourceStep::Kind::link, std::move(path), std::move(name)};
  link.target.assign(target.data(), static_cast<std::size_t>(size));
  const auto fault = fault_of_target(link.name, link.target, root_.empty() ? 0 : 1);
  if (fault.empty()) return link;
  listener_.refused(link.path, text("is a symbolic link whose target {}", fault));
  return {};
}

Task<> SourceWalk::enter(SourceStep folder) {
  Level level{std::move(folder), {}};
  std::error_code error;
  std::filesystem::directory_iterator entry(level.folder.path, error);
  while (!error && entry != std::filesystem::directory_iterator()) {
    level.names.push(entry->path().filename().string());
    entry.increment(error);
    if (budget_.is_spent()) {
      co_await budget_.loop.next_turn();
    }
  }
  if (error) listener_.unreadable(level.folder.path, error.value());
  levels_.push_back(std::move(level));
}

Task<SourceTotals> count_sources(std::vector<std::string> paths, TurnBudget budget) {
  const auto ignore = [](const std::string&, const auto&) {};
  SourceWalk walk(std::move(paths), {ignore, ignore, ignore}, budget);
  SourceTotals totals;
  for (;;) {
    const auto step = co_await walk.next();
    if (!step) break;
    const bool is_link = step->kind == SourceStep::Kind::link;
    if (step->kind != SourceStep::Kind::file && !is_link) continue;
    ++totals.files;
    totals.has_links = totals.has_links || is_link;
    if (is_link) continue;
    struct stat status {};
    if (step->path == "-" || stat(step->path.c_str(), &status) != 0 || !S_ISREG(status.st_mode))
      totals.has_sizes = false;
    else
      totals.bytes += static_cast<std::uint64_t>(status.st_size);
  }
  co_return totals;
}

}  // namespace sockx

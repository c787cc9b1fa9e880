// SourceWalk: the files and folders that a sender was told to send, one after the other.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "flow/task.hpp"
#include "flow/turn_budget.hpp"

namespace sockx {

/// The name of a file or folder at the receiver: the last part of the path; empty for ".", ".." and "/",
/// which stand for their content.
std::string own_name(std::string path);

/// What a file that is no regular one is, by its st_mode: "is a fifo".
const char* kind_in_words(mode_t mode);

struct SourceStep {
  enum class Kind {
    file,
    link,
    enter,
    leave
  } kind = Kind::file;    // a folder is entered, and left after its content
  std::string path;       // where it is
  std::string name;       // what the receiver calls it: a relative path
  bool is_named = false;  // by the user, not found in a folder
  std::string target{};   // of a link
};

/// Goes through files and folders in the given order, and through the content of a folder in the byte order
/// of the names. A folder is sent under its own name; "." and what ends in ".." stand for their content. A
/// symbolic link is followed if it was given by the user; inside a folder it is a step of its own if its
/// target stays inside that folder. Other links, devices, fifos and sockets in a folder are not sent. Folders
/// are read as the walk reaches them, a little at a time.
class SourceWalk {
 public:
  struct Listener {
    /// What is left out without a failure: "src/.sockx-0.part", "has a name that is ...".
    std::function<void(const std::string& path, const std::string& why)> left_out;
    /// What cannot be sent: "src/fifo", "is a fifo".
    std::function<void(const std::string& path, const std::string& why)> refused;
    /// What cannot be read, with errno.
    std::function<void(const std::string& path, int error)> unreadable;
  };

  /// What `budget` refers to outlives this.
  SourceWalk(std::vector<std::string> paths, Listener listener, TurnBudget budget);
  /// Nothing at the end.
  Task<std::optional<SourceStep>> next();

 private:
  /// The smallest first, and never sorted at once: a folder may have millions.
  using Names = std::priority_queue<std::string, std::vector<std::string>, std::greater<>>;
  struct Level {
    SourceStep folder;
    Names names;  // in it
  };
  std::optional<SourceStep> visit(std::string path, std::string name, bool is_named);
  std::optional<SourceStep> visit_link(std::string path, std::string name);
  Task<> enter(SourceStep folder);

  std::vector<std::string> paths_;
  Listener listener_;
  TurnBudget budget_;
  std::size_t next_path_ = 0;
  std::string root_;  // the own name of the current path
  std::vector<Level> levels_;
};

struct SourceTotals {
  std::uint64_t files = 0, bytes = 0;
  bool has_sizes = true;  // else the two are not valid: some size is not known
  bool has_links = false;
};

/// What a walk finds and can read.
Task<SourceTotals> count_sources(std::vector<std::string> paths, TurnBudget budget);

}  // namespace sockx

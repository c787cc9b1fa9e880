// SourceWalk: the files and folders that a sender was told to send, one after the other.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sockx {

/// What the receiver calls a file or folder that is named so here: the last part of the path; nothing for
/// ".",
/// ".." and "/", which stand for what is in them.
std::string own_name(std::string path);

/// What a file that is no regular one is, by its st_mode: "is a fifo".
const char* kind_in_words(mode_t mode);

struct SourceStep {
  enum class Kind {
    file,
    enter,
    leave
  } kind = Kind::file;    // a folder is entered, and left after its content
  std::string path;       // where it is
  std::string name;       // what the receiver calls it: a relative path
  bool is_named = false;  // by the user, not found in a folder
};

/// Goes through files and folders in the order in which they were named, and through what is in a folder in
/// the order of the bytes of the names. A folder is sent under its own name; "." and what ends in ".." stand
/// for what is in them. A name that is a symbolic link is followed; links, devices and sockets inside a
/// folder are not sent.
class SourceWalk {
 public:
  /// Told of what is left out: "src/link: is a symbolic link".
  using LeftOut = std::function<void(const std::string& path, const std::string& why)>;
  /// Told of a folder that cannot be read, with errno.
  using Unreadable = std::function<void(const std::string& path, int error)>;

  SourceWalk(std::vector<std::string> paths, LeftOut left_out, Unreadable unreadable);
  /// Nothing at the end.
  std::optional<SourceStep> next();

 private:
  struct Level {
    SourceStep folder;
    std::vector<std::string> names;  // in it
    std::size_t next = 0;
  };
  std::optional<SourceStep> visit(std::string path, std::string name, bool is_named);
  void enter(SourceStep folder);

  std::vector<std::string> paths_;
  LeftOut left_out_;
  Unreadable unreadable_;
  std::size_t next_path_ = 0;
  std::vector<Level> levels_;
};

struct SourceTotals {
  std::uint64_t files = 0, bytes = 0;
};

/// All that a walk would come by, and can read. Nothing when not all of that tells its size beforehand.
std::optional<SourceTotals> count_sources(std::vector<std::string> paths);

}  // namespace sockx

// SharedFolder: one like /tmp, where another user may have put something before us.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.hpp"

namespace test {

constexpr uid_t somebody_else = 65534;

/// Whether the test can do without: only root can make files of others.
inline bool cannot_act_for_others() {
  if (geteuid() == 0) return false;
  MESSAGE("skipped: only root can make files of another user");
  return true;
}

/// Sticky, and everybody can write to it; it belongs to us, what is planted in it to somebody else.
class SharedFolder : public Folder {
 public:
  SharedFolder() { REQUIRE(chmod(path().c_str(), 01777) == 0); }
  std::string plant_link(const std::string& name, const std::string& target) const {
    fs::create_symlink(target, *this / name);
    return give_away(name);
  }
  std::string plant_file(const std::string& name, const std::string& content) const {
    write_file(*this / name, content);
    return give_away(name);
  }
  std::string plant_fifo(const std::string& name) const {
    REQUIRE(mkfifo((*this / name).c_str(), 0666) == 0);
    return give_away(name);
  }

 private:
  std::string give_away(const std::string& name) const {
    REQUIRE(lchown((*this / name).c_str(), somebody_else, somebody_else) == 0);
    return *this / name;
  }
};

}  // namespace test

// Files for tests: a folder that goes away, contents that no accident reproduces, and what differs.
#pragma once

#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace test {

namespace fs = std::filesystem;

/// A folder of the test's own, removed at its end.
class Folder {
 public:
  Folder() {
    path_ = (fs::temp_directory_path() / "sockx-test-XXXXXX").string();
    if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error("mkdtemp");
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + '/' + name; }
  /// How many entries it has.
  auto size() const { return std::distance(fs::directory_iterator(path_), fs::directory_iterator()); }

 private:
  std::string path_;
};

/// `size` bytes without a pattern; another `seed` gives others.
inline std::string noise(std::size_t size, std::uint64_t seed = 1) {
  std::string bytes(size, '\0');
  std::uint64_t state = seed * 0x9e3779b97f4a7c15U + 1;
  char* const begin = bytes.data();
  for (std::size_t i = 0; i < size; i += sizeof state) {  // tests are not optimized: eight bytes at a time
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    std::memcpy(begin + i, &state, std::min(sizeof state, size - i));
  }
  return bytes;
}

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::ostringstream content;
  content << file.rdbuf();
  return std::move(content).str();
}

inline std::string write_file(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << content;
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
  return path;
}

/// Empty when the two are equal; else where they begin to differ. For contents too long to be printed.
inline std::string difference(const std::string& actual, const std::string& expected) {
  if (actual == expected) return "";
  const auto shorter = std::min(actual.size(), expected.size());
  std::size_t at = 0;
  while (at < shorter && actual[at] == expected[at]) ++at;
  std::ostringstream text;
  text << actual.size() << " bytes instead of " << expected.size() << ", the same up to byte " << at;
  return text.str();
}

}  // namespace test

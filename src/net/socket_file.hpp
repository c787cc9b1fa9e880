// SocketFile: what a bound unix socket leaves in the file system.
#pragma once

#include <sys/types.h>

#include <string>

namespace sockx {

/// The file of a unix socket that was bound here; removed at the end, if it is still the same file.
class SocketFile {
 public:
  explicit SocketFile(std::string path);
  SocketFile(const SocketFile&) = delete;
  SocketFile& operator=(const SocketFile&) = delete;
  ~SocketFile();

 private:
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace sockx

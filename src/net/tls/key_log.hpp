// KeyLog: the file that the secrets of TLS connections are appended to, in the NSS key log format.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/non_copyable.hpp"
#include "os/unique_fd.hpp"

namespace sockx {

class KeyLog : NonCopyable {
 public:
  using Warn = std::function<void(const std::string&)>;

  /// Creates the file with mode 0600 where there is none. `warn` may be null. Throws Error with
  /// Origin::local_file.
  KeyLog(std::string path, Warn warn);

  /// Appends a line by one write(2), because several processes may share the file. When a line cannot be
  /// written as a whole, warns, and writes no more from then on: the connection is worth more than its log.
  void add(std::string_view line);

 private:
  std::string path_;
  Warn warn_;
  UniqueFd file_;
};

}  // namespace sockx

// A command of sockx with sockets from a service manager.
#pragma once

#include <string>
#include <vector>

#include "process.hpp"
#include "sockx.hpp"

namespace test {

/// The words that run `sockx COMMAND --systemd` as a service manager would, with these descriptors.
inline std::vector<std::string> activated_command(const std::string& command, const std::vector<int>& fds,
                                                  const std::vector<std::string>& words,
                                                  const std::string& names = "") {
  std::vector<std::string> all{"python3", source_folder() + "/tests/support/activated.py", names};
  for (const int fd : fds) all.push_back(std::to_string(fd));
  all.emplace_back("--");
  return all + sockx({command, "--systemd"}) + words;
}

}  // namespace test

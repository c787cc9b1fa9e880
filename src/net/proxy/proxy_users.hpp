// ProxyUsers: who may use a proxy.
#pragma once

#include <string>
#include <vector>

#include "net/proxy/credentials.hpp"

namespace sockx {

/// The users of a file with lines USER:PASSWORD.
class ProxyUsers {
 public:
  /// Reads the file. Throws BadInput.
  explicit ProxyUsers(std::string path) : path_(std::move(path)) { reload(); }
  explicit ProxyUsers(std::vector<Credentials> users) : users_(std::move(users)) {}

  /// Reads the file again. Throws BadInput, and the users stay as they were.
  void reload();
  /// Whether there is such a user with that password. This takes the same time for all that could be wrong.
  bool admits(const Credentials& offered) const;
  std::size_t size() const { return users_.size(); }

 private:
  std::string path_;
  std::vector<Credentials> users_;
};

}  // namespace sockx

// Namespace: a network of the test's own, with its own routes and host names, that vanishes with the test.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "process.hpp"

namespace test {

/// A process in network and mount namespaces of its own, in which the loopback is up and `script` has run.
/// Where users may make their own namespaces it needs no root.
class Namespace {
 public:
  explicit Namespace(const std::string& script)
      : holder_({"unshare", "--map-root-user", "--net", "--mount", "sh", "-ec",
                 "ip link set lo up\n" + script + "\necho ready; exec cat"},
                {Stdio::pipe()}) {
    try {
      holder_.out_line("ready");
    } catch (const std::exception&) {
      holder_.wait();
    }
  }
  /// Where this is false, it has been said why.
  bool works() const {
    if (!holder_.is_running()) MESSAGE("skipped: no namespace: ", holder_.err());
    return holder_.is_running();
  }
  /// The words that run `words` in it, in the same process.
  std::vector<std::string> within(const std::vector<std::string>& words) const {
    std::vector<std::string> all{
        "nsenter", "--target", std::to_string(holder_.pid()), "--user", "--preserve-credentials",
        "--net",   "--mount"};
    all.insert(all.end(), words.begin(), words.end());
    return all;
  }

 private:
  Process holder_;
};

}  // namespace test

// NameService: a namespace in which names are what the test says.
#pragma once

#include <string>
#include <vector>

#include "files.hpp"
#include "namespace.hpp"
#include "sockx.hpp"
#include "subject.hpp"

namespace test {

/// Its host table has names with aliases, with several addresses, and of one family only.
class NameService {
 public:
  /// Whom the look-up of a host asks: `files` alone knows at once what there is not.
  enum class Dns { none, refuses, is_silent };

  /// `more` are further lines of the host table.
  explicit NameService(Dns dns = Dns::none, const std::string& more = "") : namespace_(script(dns, more)) {}

  /// Where this is false, it has been said why.
  bool works() const { return namespace_.works(); }
  std::vector<std::string> within(const std::vector<std::string>& words) const {
    return namespace_.within(words);
  }
  std::vector<std::string> sockx(const std::vector<std::string>& words) const {
    return within(test::sockx(words));
  }

 private:
  std::string script(Dns dns, const std::string& more) {
    write_file(folder_ / "hosts",
               "127.0.0.1 localhost\n"
               "::1 localhost ip6-localhost ip6-loopback\n"
               "127.0.0.1 loop.example\n"
               "192.0.2.1 one.example one first\n"
               "192.0.2.2 many.example many\n"
               "192.0.2.3 many.example many\n"
               "2001:db8::2 many.example many\n"
               "2001:db8::9 six.example six\n"
               "198.51.100.7 plain also-plain\n"
               "198.51.100.8 alone\n" +
                   more);
    write_file(folder_ / "nsswitch.conf", std::string("services: files\nprotocols: files\nhosts: files") +
                                              (dns == Dns::none ? "\n" : " dns\n"));
    write_file(folder_ / "resolv.conf",
               dns == Dns::is_silent ? "nameserver 203.0.113.9\n" : "nameserver 127.0.0.1\n");
    std::string commands;
    for (const std::string name : {"hosts", "nsswitch.conf", "resolv.conf"})
      commands += "mount --bind " + (folder_ / name) + " /etc/" + name + "\n";
    if (dns == Dns::is_silent)  // 203.0.113.9 is claimed by a link that answers nobody
      commands +=
          "ip link add near type veth peer name far; ip link set near up; ip link set far up\n"
          "ip address add 203.0.113.1/24 dev near\n"
          "ip neighbour add 203.0.113.9 lladdr 02:00:00:00:00:09 dev near\n";
    return commands;
  }

  Folder folder_;
  Namespace namespace_;
};

/// Compares with Python's socket module; tests/support/socket_oracle.py has the subjects.
inline void check_with_oracle(const NameService& names, const std::string& subject) {
  if (is_missing("python3")) return;
  Process oracle(names.within(
      {"python3", source_folder() + "/tests/support/socket_oracle.py", sockx_binary(), subject}));
  const auto end = oracle.wait(300s);
  CHECK_MESSAGE(end == exited(0), oracle.out(), oracle.err());
  CHECK_MESSAGE(std::atoi(oracle.out().c_str()) >= 200, oracle.out());
}

}  // namespace test

// Proxies for tests: the messages of a scripted one, and some that shells play.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sockx.hpp"

namespace test {

using namespace std::string_view_literals;

/// What a proxy of SOCKS5 answers when it has connected.
inline const std::string socks5_connected("\5\0\0\1\x7f\0\0\1\x04\x38", 10);
inline const std::string socks5_no_login("\5\0", 2);
inline const std::string http_connected = "HTTP/1.1 200 Connection established\r\n\r\n";

/// The request for a name.
inline std::string socks5_request_for(const std::string& name, std::uint16_t port) {
  std::string request("\5\1\0\3", 4);
  request += static_cast<char>(name.size());
  request += name;
  request += static_cast<char>(port >> 8);
  request += static_cast<char>(port & 0xff);
  return request;
}

/// A server of ours in which each connection is a shell that plays a proxy to `port` of this machine,
/// whatever it is asked for. `words` are options of listen.
class ShellProxy {
 public:
  enum class Kind { socks4a, socks5h, http };

  ShellProxy(Kind kind, const std::string& target_name, const std::string& port,
             const std::vector<std::string>& words = {})
      : process_(sockx({"listen", "-k"}) + words +
                 std::vector<std::string>{"--sh",
                                          script(kind, target_name.size()) + "exec '" + sockx_binary() +
                                              "' connect 127.0.0.1 " + port,
                                          "127.0.0.1", "0"}),
        port_(port_of(process_)) {}

  const std::string& port() const { return port_; }
  Process& process() { return process_; }

 private:
  static std::string script(Kind kind, std::size_t name_size) {
    const auto skip = [](std::size_t size) { return "head -c " + std::to_string(size) + " >/dev/null; "; };
    switch (kind) {
      case Kind::socks4a:
        return skip(8 + 1 + name_size + 1) + R"(printf '\000\132\000\000\000\000\000\000'; )";
      case Kind::socks5h:
        return skip(3) + R"(printf '\005\000'; )" + skip(5 + name_size + 2) +
               R"(printf '\005\000\000\001\000\000\000\000\000\000'; )";
      case Kind::http:
        break;
    }
    return R"(while read -r line && [ ${#line} -gt 1 ]; do :; done; printf 'HTTP/1.1 200 OK\r\n\r\n'; )";
  }

  Process process_;
  std::string port_;
};

}  // namespace test

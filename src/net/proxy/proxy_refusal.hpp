// ProxyRefusal: a proxy's answer that it does not make the connection.
#pragma once

#include <string>
#include <utility>

#include "base/error.hpp"

namespace sockx {

class ProxyRefusal : public ProxyError {
 public:
  /// `reply` is the answer in words: "host unreachable (SOCKS5 reply 4)", "HTTP/1.1 403 Forbidden".
  /// `may_pass` says whether the proxy may answer otherwise when it is asked again. `code` is the answer as
  /// the protocol has it: the reply of SOCKS, or the status of HTTP.
  ProxyRefusal(const std::string& what, std::string reply, bool may_pass, int code = 0)
      : ProxyError(what), reply_(std::move(reply)), may_pass_(may_pass), code_(code) {}
  ProxyRefusal(const std::string& reply, bool may_pass, int code = 0)
      : ProxyRefusal(reply, reply, may_pass, code) {}

  /// Of SOCKS5: the proxy takes none of the authentication methods that it was offered.
  static constexpr int no_method = 255;

  const std::string& reply() const { return reply_; }
  bool may_pass() const { return may_pass_; }
  int code() const { return code_; }  // 0 for an answer that has none

 private:
  std::string reply_;
  bool may_pass_;
  int code_;
};

}  // namespace sockx

// ProxyRefusal: a proxy's answer that it does not make the connection.
#pragma once

#include <string>
#include <utility>

#include "base/error.hpp"

namespace sockx {

class ProxyRefusal : public ProxyError {
 public:
  /// `reply` is the answer in words: "host unreachable (SOCKS5 reply 4)", "HTTP/1.1 403 Forbidden".
  /// `may_pass` says whether the proxy may answer otherwise when it is asked again.
  ProxyRefusal(const std::string& what, std::string reply, bool may_pass)
      : ProxyError(what), reply_(std::move(reply)), may_pass_(may_pass) {}
  ProxyRefusal(const std::string& reply, bool may_pass) : ProxyRefusal(reply, reply, may_pass) {}

  const std::string& reply() const { return reply_; }
  bool may_pass() const { return may_pass_; }

 private:
  std::string reply_;
  bool may_pass_;
};

}  // namespace sockx

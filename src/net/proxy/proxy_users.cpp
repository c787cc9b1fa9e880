#include "net/proxy/proxy_users.hpp"

#include <cstdint>
#include <string_view>

#include "net/proxy/socks.hpp"

namespace sockx {

namespace {

/// 0 if they are the same. It takes a time that depends on neither.
unsigned difference(std::string_view one, std::string_view other) {
  unsigned bits = static_cast<unsigned>(one.size() ^ other.size());
  for (std::size_t i = 0; i < socks::longest_name; ++i) {
    const auto a = i < one.size() ? static_cast<std::uint8_t>(one[i]) : 0U;
    const auto b = i < other.size() ? static_cast<std::uint8_t>(other[i]) : 0U;
    bits |= a ^ b;
  }
  return bits;
}

}  // namespace

void ProxyUsers::reload() { users_ = read_credentials_file(path_); }

bool ProxyUsers::admits(const Credentials& offered) const {
  unsigned found = 0;
  for (const auto& user : users_) {
    const auto bits = difference(user.user, offered.user) | difference(user.password, offered.password);
    found |= static_cast<unsigned>(bits == 0);
  }
  return found != 0;
}

}  // namespace sockx

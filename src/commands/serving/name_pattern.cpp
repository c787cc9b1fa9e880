#include "commands/serving/name_pattern.hpp"

#include <ctime>

#include "base/error.hpp"
#include "base/text.hpp"

namespace sockx {

namespace {

/// The peer as part of a file name, different for each peer: a host has a backslash only in \xHH, see
/// escaped().
std::string name_for_file(const Address& peer) {
  const auto host = peer.host();
  return host.empty() ? "\\unnamed" : escaped(host, "/");
}

}  // namespace

std::string expand_name_pattern(const std::string& pattern, std::uint64_t number, const Address& peer) {
  std::string path;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%') {
      path += pattern[i];
      continue;
    }
    switch (pattern[++i]) {
      case 'n':
        path += std::to_string(number);
        break;
      case 'h':
        path += name_for_file(peer);
        break;
      case 't': {
        const auto now = std::time(nullptr);
        std::tm local{};
        char stamp[32];
        path.append(stamp, std::strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%S", localtime_r(&now, &local)));
        break;
      }
      default:
        path += '%';
    }
  }
  return path;
}

bool has_placeholder(const std::string& pattern) {
  for (auto i = pattern.find('%'); i != std::string::npos; i = pattern.find('%', i + 2))
    if (i + 1 < pattern.size() && pattern[i + 1] != '%') return true;
  return false;
}

void check_name_pattern(const std::string& option, const std::string& pattern) {
  for (auto i = pattern.find('%'); i != std::string::npos; i = pattern.find('%', i + 2)) {
    const char kind = i + 1 < pattern.size() ? pattern[i + 1] : '\0';
    if (kind != 'n' && kind != 'h' && kind != 't' && kind != '%')
      throw BadInput(text("{} '{}': a pattern knows %n number, %h peer, %t time and %%", option, pattern));
  }
}

}  // namespace sockx

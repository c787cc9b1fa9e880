#include "net/proxy/credentials.hpp"

#include <strings.h>

#include <algorithm>

#include "base/base64.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "net/proxy/socks.hpp"
#include "os/settings_file.hpp"

namespace sockx {

namespace {

constexpr std::string_view basic_scheme = "Basic ";

void check_part(std::string_view part, std::string_view what) {
  if (part.empty() || part.size() > socks::longest_name)
    throw BadInput(text("the {} has {} bytes; it needs 1 to {}", what, part.size(), socks::longest_name));
  const auto is_control = [](char letter) { return (letter >= 0 && letter < ' ') || letter == 0x7f; };
  if (std::ranges::any_of(part, is_control)) throw BadInput(text("the {} has a control character", what));
}

}  // namespace

void check_user(const std::string& user) { check_part(user, "user name"); }

void check(const Credentials& credentials) {
  check_user(credentials.user);
  check_part(credentials.password, "password");
}

Credentials parse_credentials(std::string_view words) {
  const auto colon = words.find(':');
  if (colon == words.npos) throw BadInput("there is no colon between a user name and a password");
  Credentials credentials{std::string(words.substr(0, colon)), std::string(words.substr(colon + 1))};
  check(credentials);
  return credentials;
}

std::vector<Credentials> parse_credentials_file(const std::string& content, const std::string& path) {
  std::vector<Credentials> all;
  std::size_t number = 0;
  for (std::string_view rest = content; !rest.empty();) {
    auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    try {
      all.push_back(parse_credentials(line));
    } catch (const BadInput& error) {
      throw BadInput(text("'{}', line {}: {}; a line is USER:PASSWORD", path, number, error.what()));
    }
  }
  return all;
}

std::vector<Credentials> read_credentials_file(const std::string& path) {
  auto all = parse_credentials_file(read_settings_file(path, "credentials"), path);
  if (all.empty()) throw BadInput(text("'{}' has no line USER:PASSWORD", path));
  return all;
}

std::string basic_authorization(const Credentials& credentials) {
  return std::string(basic_scheme) + base64(credentials.user + ':' + credentials.password);
}

std::optional<Credentials> parse_basic_authorization(std::string_view value) {
  if (value.size() < basic_scheme.size() ||
      strncasecmp(value.data(), basic_scheme.data(), basic_scheme.size()) != 0)
    return {};
  value.remove_prefix(std::min(value.find_first_not_of(' ', basic_scheme.size()), value.size()));
  const auto words = parse_base64(value);
  if (!words) return {};
  try {
    return parse_credentials(*words);
  } catch (const BadInput&) {
    return {};
  }
}

}  // namespace sockx

// Credentials: the name and password that a proxy asks for.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sockx {

/// Each has 1 to 255 bytes, none of which is a control character.
struct Credentials {
  std::string user, password;
  bool operator==(const Credentials&) const = default;
};

/// Throws BadInput that says what is wrong, and quotes nothing.
void check(const Credentials& credentials);
/// The same for a user without a password, as SOCKS4 has them.
void check_user(const std::string& user);

/// "USER:PASSWORD", where the password may have colons. Throws BadInput that quotes nothing.
Credentials parse_credentials(std::string_view words);

/// The lines of a file, USER:PASSWORD each. Lines that begin with # are comments; empty ones are skipped. The
/// end of a line may be CR LF. Throws BadInput that names `path` and the line, and quotes nothing of it.
std::vector<Credentials> parse_credentials_file(const std::string& content, const std::string& path);
/// The same for the file of that name. There is at least one. Throws BadInput.
std::vector<Credentials> read_credentials_file(const std::string& path);

/// The value of Authorization and Proxy-Authorization (RFC 7617): "Basic dXNlcjpwYXNz".
std::string basic_authorization(const Credentials& credentials);
/// Reads that; nothing for another scheme, and for what is not right.
std::optional<Credentials> parse_basic_authorization(std::string_view value);

}  // namespace sockx
